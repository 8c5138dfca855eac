# echoport_manifest(program): on Windows gives it src/utf8.manifest, by which names in any script
# reach it as UTF-8, which libuv has everywhere. MSVC's linker merges manifests that are sources;
# MinGW's takes resources.
function(echoport_manifest program)
  set(source ${PROJECT_SOURCE_DIR}/src/utf8)
  if(MSVC)
    target_sources(${program} PRIVATE ${source}.manifest)
  elseif(MINGW)
    target_sources(${program} PRIVATE ${source}.rc)
    set_source_files_properties(${source}.rc TARGET_DIRECTORY ${program}
      PROPERTIES OBJECT_DEPENDS ${source}.manifest)
  endif()
endfunction()
