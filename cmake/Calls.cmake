# cmake -DNM=... -DOUT=... -DHEADER=... -P Calls.cmake -- OBJECT...
#
# Writes the functions that the objects call outside of themselves, one name per line: their
# undefined symbols, and the functions that they ask Winsock for. HEADER declares the types of the
# latter, LPFN_ACCEPTEX and so on.

set(symbols)
set(is_object FALSE)
foreach(i RANGE 1 ${CMAKE_ARGC})
  if(is_object AND NOT "${CMAKE_ARGV${i}}" STREQUAL "")
    execute_process(COMMAND ${NM} --undefined-only --format=just-symbols ${CMAKE_ARGV${i}}
      OUTPUT_VARIABLE undefined COMMAND_ERROR_IS_FATAL ANY)
    string(REGEX MATCHALL "[A-Za-z_0-9]+" undefined "${undefined}")
    list(APPEND symbols ${undefined})
  elseif("${CMAKE_ARGV${i}}" STREQUAL "--")
    set(is_object TRUE)
  endif()
endforeach()
list(TRANSFORM symbols REPLACE "^__imp_" "")

file(READ ${HEADER} header)
string(REGEX MATCHALL "LPFN_[A-Z]+" types "${header}")
foreach(type IN LISTS types)
  string(REGEX REPLACE "^LPFN_([A-Z])([A-Z]+)EX$" "\\1;\\2" parts ${type})
  list(GET parts 0 first)
  list(GET parts 1 rest)
  string(TOLOWER ${rest} rest)
  list(APPEND symbols ${first}${rest}Ex)
endforeach()

list(REMOVE_DUPLICATES symbols)
list(SORT symbols)
list(JOIN symbols "\n" text)
file(WRITE ${OUT} "${text}\n")
