# libuv of the system as libuv::libuv: from its CMake package (vcpkg, Homebrew, MSYS2), which has
# libuv::uv, libuv::uv_a or both, or else from pkg-config (Debian and most others).

include(SystemLibrary)
set(libuv_VERSION)
set(_libuv_library)
set(_libuv_include)

find_package(libuv CONFIG QUIET)
if(WIN32)
  set(_libuv_order libuv::uv_a libuv::uv) # no DLL to look for at run time
else()
  set(_libuv_order libuv::uv libuv::uv_a)
endif()
foreach(_libuv_name IN LISTS _libuv_order)
  if(NOT _libuv_library AND TARGET ${_libuv_name})
    set(_libuv_library ${_libuv_name})
    get_target_property(_libuv_include ${_libuv_name} INTERFACE_INCLUDE_DIRECTORIES)
  endif()
endforeach()

if(NOT _libuv_library)
  echoport_pkg_config(libuv)
  if(_libuv_library)
    pkg_get_variable(_libuv_include libuv includedir)
  endif()
endif()

# The version comes from the header, since not every CMake package has it.
if(_libuv_library)
  find_file(libuv_VERSION_HEADER uv/version.h HINTS ${_libuv_include})
  mark_as_advanced(libuv_VERSION_HEADER)
  if(libuv_VERSION_HEADER)
    file(STRINGS ${libuv_VERSION_HEADER} _libuv_lines REGEX "define UV_VERSION_(MAJOR|MINOR|PATCH) ")
    string(REGEX REPLACE "[^0-9;]" "" _libuv_lines "${_libuv_lines}")
    string(REPLACE ";" "." libuv_VERSION "${_libuv_lines}")
  endif()
endif()

echoport_find_result(libuv "no CMake package and no pkg-config file")
