# cmocka of the system as cmocka::cmocka: the CMake package has that target from 1.1.6 on; before
# (Debian 12) it has the variables CMOCKA_LIBRARIES and CMOCKA_INCLUDE_DIR only.

find_package(cmocka CONFIG QUIET)
if(cmocka_FOUND)
  set(cmocka_VERSION ${cmocka_VERSION})
  if(TARGET cmocka::cmocka)
    set(_cmocka_library cmocka::cmocka)
  else()
    set(_cmocka_library ${CMOCKA_LIBRARIES})
  endif()
elseif(NOT CMAKE_CROSSCOMPILING)
  find_package(PkgConfig QUIET)
  if(PKG_CONFIG_FOUND)
    pkg_check_modules(cmocka_PC QUIET IMPORTED_TARGET cmocka)
    if(TARGET PkgConfig::cmocka_PC)
      set(_cmocka_library PkgConfig::cmocka_PC)
      set(cmocka_VERSION ${cmocka_PC_VERSION})
    endif()
  endif()
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(cmocka
  REQUIRED_VARS _cmocka_library
  VERSION_VAR cmocka_VERSION
  REASON_FAILURE_MESSAGE "no CMake package and no pkg-config file")

if(cmocka_FOUND AND NOT TARGET cmocka::cmocka)
  add_library(cmocka::cmocka INTERFACE IMPORTED)
  set_target_properties(cmocka::cmocka PROPERTIES INTERFACE_LINK_LIBRARIES "${_cmocka_library}")
  if(CMOCKA_INCLUDE_DIR)
    set_target_properties(cmocka::cmocka PROPERTIES
      INTERFACE_INCLUDE_DIRECTORIES "${CMOCKA_INCLUDE_DIR}")
  endif()
endif()
