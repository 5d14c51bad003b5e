# SPDX-License-Identifier: Apache-2.0
target_compile_definitions(cli PRIVATE BERTH_VERSION="${PROJECT_VERSION}")
