# Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
#
# How the folders of this project build. Headers stand beside their sources and are included by their path from the
# root: #include "dialects/Graph/Graph.h", "passes/Raise/Passes.h". Generated ones follow the same rule.

# One precompiled header for everything that uses MLIR: it takes a source file from 6 seconds to 1.
add_library(sinter_pch OBJECT ${PROJECT_SOURCE_DIR}/cmake/pch.cpp)
function(sinter_mlir_options target)
  target_include_directories(${target} SYSTEM PUBLIC ${MLIR_INCLUDE_DIRS} ${LLVM_INCLUDE_DIRS})
  target_include_directories(${target} PUBLIC ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR})
  target_compile_options(${target} PRIVATE -fno-rtti -Wall -Wextra -Wno-unused-parameter)
endfunction()
sinter_mlir_options(sinter_pch)
target_precompile_headers(sinter_pch PRIVATE ${PROJECT_SOURCE_DIR}/cmake/pch.h)

# sinter_add_library(NAME SOURCE... [LINK LIB...] [DEPENDS TARGET...]): a static library of compiler code.
function(sinter_add_library name)
  cmake_parse_arguments(A "" "" "LINK;DEPENDS" ${ARGN})
  add_library(${name} STATIC ${A_UNPARSED_ARGUMENTS})
  sinter_mlir_options(${name})
  target_precompile_headers(${name} REUSE_FROM sinter_pch)
  target_link_libraries(${name} PUBLIC ${A_LINK} MLIR LLVM)
  if(A_DEPENDS)
    add_dependencies(${name} ${A_DEPENDS})
  endif()
endfunction()

# sinter_add_executable(NAME SOURCE... LINK LIB...)
function(sinter_add_executable name)
  cmake_parse_arguments(A "" "" "LINK" ${ARGN})
  add_executable(${name} ${A_UNPARSED_ARGUMENTS})
  sinter_mlir_options(${name})
  target_precompile_headers(${name} REUSE_FROM sinter_pch)
  target_link_libraries(${name} PRIVATE ${A_LINK} MLIR LLVM)
endfunction()

# sinter_tablegen(TARGET FILE.td OUTPUT -generator...) inside the folder of FILE.td; several outputs add up in TARGET.
macro(sinter_tablegen output)
  mlir_tablegen(${output} ${ARGN} EXTRA_INCLUDES ${MLIR_INCLUDE_DIRS} ${PROJECT_SOURCE_DIR})
endmacro()

# sinter_add_dialect(NAME dialect-prefix): NAME.td in this folder gives the usual set of generated files.
function(sinter_add_dialect name prefix)
  set(LLVM_TARGET_DEFINITIONS ${name}.td)
  sinter_tablegen(${name}Dialect.h.inc -gen-dialect-decls -dialect=${prefix})
  sinter_tablegen(${name}Dialect.cpp.inc -gen-dialect-defs -dialect=${prefix})
  sinter_tablegen(${name}Ops.h.inc -gen-op-decls -dialect=${prefix})
  sinter_tablegen(${name}Ops.cpp.inc -gen-op-defs -dialect=${prefix})
  sinter_tablegen(${name}Types.h.inc -gen-typedef-decls -typedefs-dialect=${prefix})
  sinter_tablegen(${name}Types.cpp.inc -gen-typedef-defs -typedefs-dialect=${prefix})
  sinter_tablegen(${name}Attrs.h.inc -gen-attrdef-decls -attrdefs-dialect=${prefix})
  sinter_tablegen(${name}Attrs.cpp.inc -gen-attrdef-defs -attrdefs-dialect=${prefix})
  sinter_tablegen(${name}Enums.h.inc -gen-enum-decls)
  sinter_tablegen(${name}Enums.cpp.inc -gen-enum-defs)
  # mlir-tblgen makes only the interfaces of the file that it is called for, so those of split dialects stand in NAMEBase.td.
  if(EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/${name}Base.td)
    set(LLVM_TARGET_DEFINITIONS ${name}Base.td)
  endif()
  sinter_tablegen(${name}Interfaces.h.inc -gen-attr-interface-decls)
  sinter_tablegen(${name}Interfaces.cpp.inc -gen-attr-interface-defs)
  sinter_tablegen(${name}OpInterfaces.h.inc -gen-op-interface-decls)
  sinter_tablegen(${name}OpInterfaces.cpp.inc -gen-op-interface-defs)
  add_public_tablegen_target(Sinter${name}IncGen)
  set_property(GLOBAL APPEND PROPERTY SINTER_DIALECTS ${name})
endfunction()

# sinter_add_passes(NAME): Passes.td in this folder gives Passes.h.inc, with registration function registerNAMEPasses.
function(sinter_add_passes name)
  set(LLVM_TARGET_DEFINITIONS Passes.td)
  sinter_tablegen(Passes.h.inc -gen-pass-decls -name=${name})
  add_public_tablegen_target(Sinter${name}PassesIncGen)
endfunction()
