# cmocka of the system as cmocka::cmocka: the CMake package has that target from 1.1.6 on; before
# (Debian 12) it has the variables CMOCKA_LIBRARIES and CMOCKA_INCLUDE_DIR only.

include(SystemLibrary)
find_package(cmocka CONFIG QUIET)
if(TARGET cmocka::cmocka)
  set(_cmocka_library cmocka::cmocka)
elseif(cmocka_FOUND)
  set(_cmocka_library ${CMOCKA_LIBRARIES})
else()
  echoport_pkg_config(cmocka)
endif()
echoport_find_result(cmocka "no CMake package and no pkg-config file")

if(cmocka_FOUND AND CMOCKA_INCLUDE_DIR AND NOT _cmocka_library STREQUAL cmocka::cmocka)
  set_target_properties(cmocka::cmocka PROPERTIES
    INTERFACE_INCLUDE_DIRECTORIES "${CMOCKA_INCLUDE_DIR}")
endif()
