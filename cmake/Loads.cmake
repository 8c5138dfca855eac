# The tables of message sizes in the folder loads, as C: sizes_table.c of the layer `client`. Lines
# are "bytes weight" or comments.

set(loads_source ${PROJECT_BINARY_DIR}/generated/sizes_table.c)
set(loads_text "#include \"sizes_table.h\"\n\n#include \"util.h\"\n")
set(loads_list "")
foreach(load w1 w2 w3 w4 w5)
  set(file ${PROJECT_SOURCE_DIR}/loads/${load}.txt)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
  file(STRINGS ${file} lines REGEX "^[0-9]+ [0-9.e-]+$")
  list(TRANSFORM lines REPLACE "^([0-9]+) ([0-9.e-]+)$" "    {UINT64_C(\\1), \\2},\n")
  list(JOIN lines "" rows)
  string(APPEND loads_text "\nstatic const struct sizes_weight ${load}[] = {\n${rows}};\n")
  string(APPEND loads_list "    {\"${load}\", ${load}, LENGTH(${load})},\n")
endforeach()
string(APPEND loads_text "\nconst struct sizes_table sizes_tables[] = {\n${loads_list}};\n"
  "\nconst size_t sizes_table_count = LENGTH(sizes_tables);\n")
file(CONFIGURE OUTPUT ${loads_source} CONTENT "${loads_text}" @ONLY)
