# jansson of the system as jansson::jansson: from its CMake package (vcpkg, Homebrew, MSYS2) or
# pkg-config (Debian).

include(SystemLibrary)
find_package(jansson CONFIG QUIET)
if(TARGET jansson::jansson)
  set(_jansson_library jansson::jansson)
else()
  echoport_pkg_config(jansson)
endif()
echoport_find_result(jansson "no CMake package and no pkg-config file")
