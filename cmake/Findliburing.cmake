# liburing of the system as liburing::liburing, from pkg-config. It has no CMake package.

include(SystemLibrary)
echoport_pkg_config(liburing)
echoport_find_result(liburing "no pkg-config file")
