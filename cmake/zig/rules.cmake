# After CMake's own rules for macOS and Clang: what zig does otherwise.

set(CMAKE_C_VERBOSE_FLAG -v) # its linker has none
set(CMAKE_C_COMPILE_OPTIONS_PIE) # nothing else is made for macOS
set(CMAKE_C_ARCHIVE_CREATE "<CMAKE_AR> ar qc <TARGET> <LINK_FLAGS> <OBJECTS>")
set(CMAKE_C_ARCHIVE_APPEND "<CMAKE_AR> ar q <TARGET> <LINK_FLAGS> <OBJECTS>")
set(CMAKE_C_ARCHIVE_FINISH "<CMAKE_RANLIB> ranlib <TARGET>")
