# echoport_flags: how our own code is compiled. Link it PRIVATE; headers of libraries are SYSTEM
# and stay out of it.

add_library(echoport_flags INTERFACE)

if(WIN32)
  target_compile_definitions(echoport_flags INTERFACE
    WIN32_LEAN_AND_MEAN NOMINMAX _WIN32_WINNT=0x0A00 NTDDI_VERSION=0x0A000003 # Windows 10, 1703
    $<$<BOOL:${MINGW}>:__USE_MINGW_ANSI_STDIO=1>) # printf knows %zu, whichever the C library
elseif(CMAKE_SYSTEM_NAME STREQUAL "Linux")
  # Without the extensions of the compiler (-std=c11) the C library hides POSIX, which <uv.h> needs.
  target_compile_definitions(echoport_flags INTERFACE _GNU_SOURCE)
endif()

if(MSVC)
  target_compile_definitions(echoport_flags INTERFACE _CRT_SECURE_NO_WARNINGS)
  target_compile_options(echoport_flags INTERFACE /W4 /utf-8
    /wd4127  # conditional expression is constant: while (true), assert of constants
    /wd4200  # flexible array members,
    /wd4201  # anonymous unions,
    /wd4204  # initializers that aren't constant,
    /wd4221  # and those that take the address of a local: all of them are C11
    /wd4324) # padded because of an alignment that was asked for
  if(ECHOPORT_WERROR)
    target_compile_options(echoport_flags INTERFACE /WX)
  endif()
else()
  target_compile_options(echoport_flags INTERFACE
    -Wall -Wextra -Wpedantic -Wvla -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes
    -Wcast-qual -Wwrite-strings -Wundef
    $<$<C_COMPILER_ID:Clang,AppleClang>:-Wgnu>)
  if(MINGW) # its isnan() and isfinite() choose among types by a cast that is never made
    target_compile_options(echoport_flags INTERFACE -Wno-float-conversion)
  endif()
  if(ECHOPORT_SANITIZE AND CMAKE_C_COMPILER_ID STREQUAL "GNU")
    # The checks that a sanitizer compiles in mislead the warnings that follow the flow of values.
    target_compile_options(echoport_flags INTERFACE
      -Wno-format-truncation -Wno-maybe-uninitialized -Wno-stringop-overflow)
  endif()
  if(ECHOPORT_WERROR)
    target_compile_options(echoport_flags INTERFACE -Werror)
  endif()
endif()

# ---- hardening: Linux, optimized, without sanitizers (they bring their own checks) --------------

if(ECHOPORT_HARDENING AND CMAKE_SYSTEM_NAME STREQUAL "Linux" AND NOT ECHOPORT_SANITIZE)
  include(CheckPIESupported)
  check_pie_supported(LANGUAGES C)
  set(optimized $<NOT:$<CONFIG:Debug>>)
  target_compile_options(echoport_flags INTERFACE
    -fstack-protector-strong
    $<${optimized}:-U_FORTIFY_SOURCE>
    $<${optimized}:-D_FORTIFY_SOURCE=2>)
  target_link_options(echoport_flags INTERFACE -Wl,-z,relro -Wl,-z,now)
endif()
