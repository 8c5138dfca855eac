# cmake -DNM=... -DOUT=... -P Undefined.cmake -- OBJECT...
#
# Writes the functions of the system and its libraries that the objects call, one name per line: their
# undefined symbols, without those of the project and of libuv.

set(objects)
set(is_object FALSE)
math(EXPR last "${CMAKE_ARGC} - 1")
foreach(i RANGE 1 ${last})
  if(is_object)
    list(APPEND objects ${CMAKE_ARGV${i}})
  elseif("${CMAKE_ARGV${i}}" STREQUAL "--")
    set(is_object TRUE)
  endif()
endforeach()
execute_process(COMMAND ${NM} --undefined-only --format=just-symbols ${objects}
  OUTPUT_VARIABLE symbols COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCHALL "[A-Za-z_0-9]+\n" symbols "${symbols}")
list(TRANSFORM symbols STRIP)
list(FILTER symbols EXCLUDE REGEX "^(uv|net|pool|backend|io_loop|io_stream|io_wait|readiness|untaken|uring|waiters)_")
list(FILTER symbols EXCLUDE REGEX "^__(asan|ubsan|tsan|sanitizer)_|^_GLOBAL_OFFSET_TABLE_$")
list(REMOVE_DUPLICATES symbols)
list(SORT symbols)
list(JOIN symbols "\n" text)
file(WRITE ${OUT} "${text}\n")
