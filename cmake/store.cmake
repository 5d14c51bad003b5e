# SPDX-License-Identifier: Apache-2.0
# The schema travels inside the program: schema/NNNN_name.sql becomes store/schema_files.inc.
find_package(Python3 REQUIRED COMPONENTS Interpreter)
file(GLOB schema CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/store/schema/*.sql)
set(schema_files ${BERTH_GENERATED}/store/schema_files.inc)
file(MAKE_DIRECTORY ${BERTH_GENERATED}/store)
add_custom_command(OUTPUT ${schema_files}
    COMMAND ${Python3_EXECUTABLE} ${CMAKE_SOURCE_DIR}/tools/embed.py ${schema_files} ${schema}
    DEPENDS ${CMAKE_SOURCE_DIR}/tools/embed.py ${schema}
    COMMENT "embed the schema" VERBATIM)
target_sources(store PRIVATE ${schema_files})
