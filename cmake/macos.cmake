# Toolchain: macOS by zig, from Linux. `./dev check` installs it from cmake/zig into build/zig;
# package.json names its packages one by one, so that npm installs only this machine's compiler.
# ECHOPORT_MACOS is the processor, aarch64 or x86_64. The programs can't run here.

set(CMAKE_SYSTEM_NAME Darwin)
set(CMAKE_SYSTEM_PROCESSOR ${ECHOPORT_MACOS})
set(CMAKE_TRY_COMPILE_PLATFORM_VARIABLES ECHOPORT_MACOS)

file(GLOB _zig ${CMAKE_CURRENT_LIST_DIR}/../build/zig/node_modules/@zigc/linux-*/bin/zig)
if(NOT _zig)
  message(FATAL_ERROR "There is no zig in build/zig; ./dev check installs it.")
endif()
set(CMAKE_C_COMPILER ${_zig} cc -target ${ECHOPORT_MACOS}-macos)
set(CMAKE_AR ${_zig} CACHE FILEPATH "")
set(CMAKE_RANLIB ${_zig} CACHE FILEPATH "")
set(CMAKE_C_FLAGS_INIT -UNDEBUG) # zig defines it for a build that is optimized
set(CMAKE_USER_MAKE_RULES_OVERRIDE ${CMAKE_CURRENT_LIST_DIR}/zig/rules.cmake)

set(CMAKE_OSX_SYSROOT "") # zig brings the system's headers and libraries
set(CMAKE_FIND_ROOT_PATH ${CMAKE_CURRENT_LIST_DIR})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
