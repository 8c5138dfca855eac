# ECHOPORT_SANITIZE for everything that is compiled from here on, libraries included: a sanitizer
# knows only what was compiled with it.

if(NOT ECHOPORT_SANITIZE)
  return()
endif()

if(MSVC)
  if(NOT ECHOPORT_SANITIZE STREQUAL "address")
    message(FATAL_ERROR "MSVC knows ECHOPORT_SANITIZE=address only")
  endif()
  add_compile_options(/fsanitize=address)
  add_link_options(/INCREMENTAL:NO)
else()
  add_compile_options(-fsanitize=${ECHOPORT_SANITIZE} -fno-sanitize-recover=all
    -fno-omit-frame-pointer -O1 -g)
  add_link_options(-fsanitize=${ECHOPORT_SANITIZE})
endif()
