# Run at build time by Version.cmake: fills in version.h.in. It rewrites the header only if the text
# has changed. Without git, or outside of a checkout, the commit is "unknown".

set(commit)
if(git AND EXISTS "${source}/.git")
  execute_process(COMMAND "${git}" describe --always --dirty --abbrev=12
    WORKING_DIRECTORY "${source}"
    OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
endif()
if(NOT commit)
  set(commit unknown)
endif()
if(sanitize)
  string(APPEND build " ${sanitize}")
endif()

configure_file("${template}" "${header}" @ONLY)
