# SPDX-License-Identifier: MPL-2.0
# An overlay port of this checkout: vcpkg install serverlink --overlay-ports=packaging/vcpkg
# The port of a released version fetches its tarball instead (vcpkg_download_distfile).
get_filename_component(SOURCE_PATH "${CURRENT_PORT_DIR}/../.." ABSOLUTE)

set(options -Dtests=disabled -Dexamples=disabled -Dbench=disabled -Dlibzmq=false -Dexpected=tl)
foreach(feature curve http tools)
    if(feature IN_LIST FEATURES)
        list(APPEND options -D${feature}=enabled)
    else()
        list(APPEND options -D${feature}=disabled)
    endif()
endforeach()
if(uring IN_LIST FEATURES)
    list(APPEND options -Dliburing=enabled)
else()
    list(APPEND options -Dliburing=disabled)
endif()

vcpkg_configure_meson(SOURCE_PATH "${SOURCE_PATH}" OPTIONS ${options})
vcpkg_install_meson()
vcpkg_fixup_pkgconfig()
vcpkg_copy_pdbs()
vcpkg_cmake_config_fixup(CONFIG_PATH lib/cmake/serverlink)
if(tools IN_LIST FEATURES)
    vcpkg_copy_tools(TOOL_NAMES slk AUTO_CLEAN)
endif()
file(REMOVE_RECURSE "${CURRENT_PACKAGES_DIR}/debug/include" "${CURRENT_PACKAGES_DIR}/debug/share")
vcpkg_install_copyright(FILE_LIST "${SOURCE_PATH}/LICENSE")
