# What the find modules share. The library of NAME is in _NAME_library, its version in NAME_VERSION.

# Looks for the library with pkg-config, but not when cross compiling: pkg-config has the libraries
# of this system.
macro(echoport_pkg_config name)
  if(NOT CMAKE_CROSSCOMPILING)
    find_package(PkgConfig QUIET)
    if(PKG_CONFIG_FOUND)
      pkg_check_modules(${name}_PC QUIET IMPORTED_TARGET ${name})
      if(TARGET PkgConfig::${name}_PC)
        set(_${name}_library PkgConfig::${name}_PC)
        set(${name}_VERSION ${${name}_PC_VERSION})
      endif()
    endif()
  endif()
endmacro()

# Ends the find module: sets NAME_FOUND, and makes NAME::NAME unless the package has that target.
# `reason` says why there is no library.
macro(echoport_find_result name reason)
  include(FindPackageHandleStandardArgs)
  find_package_handle_standard_args(${name}
    REQUIRED_VARS _${name}_library
    VERSION_VAR ${name}_VERSION
    REASON_FAILURE_MESSAGE ${reason})
  if(${name}_FOUND AND NOT TARGET ${name}::${name})
    add_library(${name}::${name} INTERFACE IMPORTED)
    set_target_properties(${name}::${name} PROPERTIES
      INTERFACE_LINK_LIBRARIES "${_${name}_library}")
  endif()
endmacro()
