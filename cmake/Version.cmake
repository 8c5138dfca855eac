# "version.h", by linking echoport_version: what `--version` prints. The commit is asked for at
# every build, since a configured tree outlives many of them; the header is rewritten only when it
# changed.

set(_version_dir ${PROJECT_BINARY_DIR}/generated)
find_package(Git QUIET)

add_custom_target(echoport_version_header
  COMMAND ${CMAKE_COMMAND}
    -D "git=$<$<BOOL:${GIT_FOUND}>:${GIT_EXECUTABLE}>"
    -D "source=${PROJECT_SOURCE_DIR}"
    -D "version=${PROJECT_VERSION}"
    -D "compiler=${CMAKE_C_COMPILER_ID} ${CMAKE_C_COMPILER_VERSION}"
    -D "system=${CMAKE_SYSTEM_NAME} ${CMAKE_SYSTEM_PROCESSOR}"
    -D "build=$<CONFIG>"
    -D "sanitize=${ECHOPORT_SANITIZE}"
    -D "template=${CMAKE_CURRENT_LIST_DIR}/version.h.in"
    -D "header=${_version_dir}/version.h"
    -P ${CMAKE_CURRENT_LIST_DIR}/VersionHeader.cmake
  BYPRODUCTS ${_version_dir}/version.h
  COMMENT "Asking git for the commit"
  VERBATIM)

add_library(echoport_version INTERFACE)
target_include_directories(echoport_version INTERFACE ${_version_dir})
add_dependencies(echoport_version echoport_version_header)
