# libuv::libuv, jansson::jansson and, for the tests, cmocka::cmocka: from the system
# (Findlibuv.cmake and so on), or else fetched and built along. liburing::liburing on Linux: from the
# system, or not at all.
#
# FETCHCONTENT_SOURCE_DIR_LIBUV, _CMOCKA and _JANSSON name unpacked source trees to be built
# instead. FETCHCONTENT_TRY_FIND_PACKAGE_MODE=NEVER ignores the system's libraries.

include(FetchContent)

# SYSTEM comes first: CMake 3.25 takes it for a part of the value that it follows.
FetchContent_Declare(libuv SYSTEM
  URL https://github.com/libuv/libuv/archive/refs/tags/v1.52.1.tar.gz
  URL_HASH SHA256=478baf2599bfbc882c355288c9cb6f92e0e7dda435fa04031fa5b607cf3f414c
  DOWNLOAD_EXTRACT_TIMESTAMP ON
  FIND_PACKAGE_ARGS 1.44.2 MODULE)

FetchContent_Declare(cmocka SYSTEM
  URL https://cmocka.org/files/2.0/cmocka-2.0.2.tar.xz
  URL_HASH SHA256=39f92f366bdf3f1a02af4da75b4a5c52df6c9f7e736c7d65de13283f9f0ef416
  DOWNLOAD_EXTRACT_TIMESTAMP ON
  FIND_PACKAGE_ARGS 1.1.5 MODULE)

FetchContent_Declare(jansson SYSTEM
  URL https://github.com/akheron/jansson/releases/download/v2.15.0/jansson-2.15.0.tar.bz2
  URL_HASH SHA256=a7eac7765000373165f9373eb748be039c10b2efc00be9af3467ec92357d8954
  DOWNLOAD_EXTRACT_TIMESTAMP ON
  FIND_PACKAGE_ARGS 2.13 MODULE)

# Makes one of them available. It is a macro, since options for the subproject are set around it, in
# a block. Warnings about the subproject's code are off.
macro(echoport_dependency name)
  if(NOT MSVC)
    string(APPEND CMAKE_C_FLAGS " -w")
  endif()
  FetchContent_MakeAvailable(${name})
  # Only the targets that we link get built. The subproject's install rules don't run.
  if(${name}_SOURCE_DIR AND NOT ${name}_FOUND)
    set_property(DIRECTORY ${${name}_SOURCE_DIR} PROPERTY EXCLUDE_FROM_ALL ON)
  endif()
endmacro()

# The target that the system's library has, for the one that was built along: LIBRARY, with the
# include directories that follow.
function(echoport_dependency_target name library)
  if(NOT TARGET ${name}::${name})
    add_library(${name}::${name} INTERFACE IMPORTED)
    set_target_properties(${name}::${name} PROPERTIES
      INTERFACE_LINK_LIBRARIES ${library}
      INTERFACE_INCLUDE_DIRECTORIES "${ARGN}")
  endif()
endfunction()

# Subprojects ask option() for these: our plain variables take precedence (CMP0077).
set(CMAKE_POLICY_DEFAULT_CMP0077 NEW)
set(CMAKE_POLICY_DEFAULT_CMP0063 NEW) # as visible as we say, without a warning
block(PROPAGATE libuv_FOUND libuv_SOURCE_DIR)
  set(BUILD_TESTING OFF)
  set(LIBUV_BUILD_TESTS OFF)
  set(LIBUV_BUILD_BENCH OFF)
  set(LIBUV_BUILD_SHARED OFF)
  echoport_dependency(libuv)
endblock()
echoport_dependency_target(libuv uv_a)

# echo-client --merge, echo-bench and the tests read JSON with it.
block(PROPAGATE jansson_FOUND jansson_SOURCE_DIR jansson_BINARY_DIR)
  set(JANSSON_BUILD_DOCS OFF)
  set(JANSSON_EXAMPLES OFF)
  set(JANSSON_WITHOUT_TESTS ON)
  set(JANSSON_BUILD_SHARED_LIBS OFF)
  echoport_dependency(jansson)
endblock()
echoport_dependency_target(jansson jansson ${jansson_BINARY_DIR}/include)

# Without it the io_uring backend is left out. 2.3 has what Linux 6.1 has.
if(CMAKE_SYSTEM_NAME STREQUAL Linux AND NOT ECHOPORT_IO_URING STREQUAL OFF)
  find_package(liburing 2.3 MODULE)
  if(ECHOPORT_IO_URING STREQUAL ON AND NOT liburing_FOUND)
    message(FATAL_ERROR "ECHOPORT_IO_URING is ON, and there is no liburing 2.3 or later")
  endif()
endif()

if(ECHOPORT_TESTS)
  block(PROPAGATE cmocka_FOUND cmocka_SOURCE_DIR)
    set(BUILD_SHARED_LIBS OFF)
    set(WITH_STATIC_LIB ON) # the name of that option before 1.1.6
    set(WITH_EXAMPLES OFF)
    set(UNIT_TESTING OFF)
    set(PICKY_DEVELOPER OFF)
    set(CMAKE_C_EXTENSIONS ON)
    echoport_dependency(cmocka)
  endblock()
  echoport_dependency_target(cmocka $<IF:$<TARGET_EXISTS:cmocka-static>,cmocka-static,cmocka>
    ${cmocka_SOURCE_DIR}/include)
endif()
