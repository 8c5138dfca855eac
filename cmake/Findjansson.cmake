# jansson of the system as jansson::jansson: from its CMake package (vcpkg, Homebrew, MSYS2) or
# pkg-config (Debian).

find_package(jansson CONFIG QUIET)
if(TARGET jansson::jansson)
  set(_jansson_library jansson::jansson)
elseif(NOT CMAKE_CROSSCOMPILING)
  find_package(PkgConfig QUIET)
  if(PKG_CONFIG_FOUND)
    pkg_check_modules(jansson_PC QUIET IMPORTED_TARGET jansson)
    if(TARGET PkgConfig::jansson_PC)
      set(_jansson_library PkgConfig::jansson_PC)
      set(jansson_VERSION ${jansson_PC_VERSION})
    endif()
  endif()
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(jansson
  REQUIRED_VARS _jansson_library
  VERSION_VAR jansson_VERSION
  REASON_FAILURE_MESSAGE "no CMake package and no pkg-config file")

if(jansson_FOUND AND NOT TARGET jansson::jansson)
  add_library(jansson::jansson INTERFACE IMPORTED)
  set_target_properties(jansson::jansson PROPERTIES
    INTERFACE_LINK_LIBRARIES "${_jansson_library}")
endif()
