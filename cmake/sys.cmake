# SPDX-License-Identifier: Apache-2.0
# Proofs are loops that the compiler turns into vectors, and a test tries thousands of them: these
# loops alone are not sanitized. What they are given is asserted, and they equal plain C.
set_source_files_properties(${CMAKE_SOURCE_DIR}/src/sys/proof_arith.c PROPERTIES
    COMPILE_OPTIONS "-O3;-fno-sanitize=all")
