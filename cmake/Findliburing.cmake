# liburing of the system as liburing::liburing, from pkg-config. It has no CMake package.

find_package(PkgConfig QUIET)
if(PKG_CONFIG_FOUND AND NOT CMAKE_CROSSCOMPILING)
  pkg_check_modules(liburing_PC QUIET IMPORTED_TARGET liburing)
  if(TARGET PkgConfig::liburing_PC)
    set(liburing_VERSION ${liburing_PC_VERSION})
    set(_liburing_target PkgConfig::liburing_PC)
  endif()
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(liburing
  REQUIRED_VARS _liburing_target
  VERSION_VAR liburing_VERSION
  REASON_FAILURE_MESSAGE "no pkg-config file")

if(liburing_FOUND AND NOT TARGET liburing::liburing)
  add_library(liburing::liburing INTERFACE IMPORTED)
  set_target_properties(liburing::liburing PROPERTIES
    INTERFACE_LINK_LIBRARIES ${_liburing_target})
endif()
