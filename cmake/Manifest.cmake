# echoport_manifest(program): on Windows embeds src/base/utf8.manifest, which makes UTF-8 the
# program's code page. So names in any script reach it as UTF-8, the encoding of libuv. MSVC's
# linker merges manifests that are sources. MinGW's linker takes resources.
function(echoport_manifest program)
  set(source ${PROJECT_SOURCE_DIR}/src/base/utf8)
  if(MSVC)
    target_sources(${program} PRIVATE ${source}.manifest)
  elseif(MINGW)
    target_sources(${program} PRIVATE ${source}.rc)
    set_source_files_properties(${source}.rc TARGET_DIRECTORY ${program}
      PROPERTIES OBJECT_DEPENDS ${source}.manifest)
  endif()
endfunction()
