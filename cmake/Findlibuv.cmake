# libuv of the system as libuv::libuv: from its CMake package (vcpkg, Homebrew, MSYS2), which has
# libuv::uv, libuv::uv_a or both, or else from pkg-config (Debian and most others).

set(libuv_VERSION)
set(_libuv_target)
set(_libuv_include)

find_package(libuv CONFIG QUIET)
if(WIN32)
  set(_libuv_order libuv::uv_a libuv::uv) # no DLL to look for at run time
else()
  set(_libuv_order libuv::uv libuv::uv_a)
endif()
foreach(_libuv_name IN LISTS _libuv_order)
  if(NOT _libuv_target AND TARGET ${_libuv_name})
    set(_libuv_target ${_libuv_name})
    get_target_property(_libuv_include ${_libuv_name} INTERFACE_INCLUDE_DIRECTORIES)
  endif()
endforeach()

if(NOT _libuv_target AND NOT CMAKE_CROSSCOMPILING)
  find_package(PkgConfig QUIET)
  if(PKG_CONFIG_FOUND)
    pkg_check_modules(libuv_PC QUIET IMPORTED_TARGET libuv)
    if(TARGET PkgConfig::libuv_PC)
      set(_libuv_target PkgConfig::libuv_PC)
      pkg_get_variable(_libuv_include libuv includedir)
    endif()
  endif()
endif()

# The version comes from the header, since not every CMake package has it.
if(_libuv_target)
  find_file(libuv_VERSION_HEADER uv/version.h HINTS ${_libuv_include})
  mark_as_advanced(libuv_VERSION_HEADER)
  if(libuv_VERSION_HEADER)
    file(STRINGS ${libuv_VERSION_HEADER} _libuv_lines REGEX "define UV_VERSION_(MAJOR|MINOR|PATCH) ")
    string(REGEX REPLACE "[^0-9;]" "" _libuv_lines "${_libuv_lines}")
    string(REPLACE ";" "." libuv_VERSION "${_libuv_lines}")
  endif()
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(libuv
  REQUIRED_VARS _libuv_target
  VERSION_VAR libuv_VERSION
  REASON_FAILURE_MESSAGE "no CMake package and no pkg-config file")

if(libuv_FOUND AND NOT TARGET libuv::libuv)
  add_library(libuv::libuv INTERFACE IMPORTED)
  set_target_properties(libuv::libuv PROPERTIES INTERFACE_LINK_LIBRARIES ${_libuv_target})
endif()
