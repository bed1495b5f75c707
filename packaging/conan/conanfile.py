# SPDX-License-Identifier: MPL-2.0
"""A recipe for Conan 2, of this checkout: conan create packaging/conan"""

import os
import re

from conan import ConanFile
from conan.tools.files import copy, load
from conan.tools.gnu import PkgConfigDeps
from conan.tools.meson import Meson, MesonToolchain


class ServerlinkRecipe(ConanFile):
    name = "serverlink"
    description = "Links between servers that keep themselves alive, and ZeroMQ-compatible messages over them"
    license = "MPL-2.0"
    topics = ("network", "zeromq", "zmtp", "reconnect")
    package_type = "library"
    settings = "os", "arch", "compiler", "build_type"
    options = {"shared": [True, False], "fPIC": [True, False], "curve": [True, False], "http": [True, False],
               "uring": [True, False]}
    default_options = {"shared": False, "fPIC": True, "curve": True, "http": False, "uring": False}

    @property
    def _root(self):
        return os.path.join(self.recipe_folder, "..", "..")

    def set_version(self):
        text = load(self, os.path.join(self._root, "meson.build"))
        self.version = re.search(r"^ *version: '([0-9.]+)',$", text, re.MULTILINE).group(1)

    def export_sources(self):
        for pattern in ("meson.build", "meson_options.txt", "LICENSE", "include/*", "src/*", "tools/dist/*",
                        "tools/meson.build", "tools/support/*", "subprojects/*.wrap"):
            copy(self, pattern, self._root, self.export_sources_folder)

    def config_options(self):
        if self.settings.os == "Windows":
            del self.options.fPIC
        if self.settings.os != "Linux":
            del self.options.uring

    def configure(self):
        if self.options.shared:
            self.options.rm_safe("fPIC")

    def requirements(self):
        # It is in the public headers.
        self.requires("tl-expected/1.1.0", transitive_headers=True)
        if self.options.curve:
            self.requires("libsodium/1.0.20")
        if self.options.http:
            self.requires("cpp-httplib/0.18.3")
        if self.options.get_safe("uring"):
            self.requires("liburing/2.6")

    def build_requirements(self):
        self.tool_requires("meson/[>=1.2 <2]")
        self.tool_requires("pkgconf/[>=2.1 <3]")

    def generate(self):
        PkgConfigDeps(self).generate()
        toolchain = MesonToolchain(self)
        for name in ("tests", "tools", "examples", "bench"):
            toolchain.project_options[name] = "disabled"
        for name, option in (("curve", "curve"), ("http", "http"), ("uring", "liburing")):
            toolchain.project_options[option] = "enabled" if self.options.get_safe(name) else "disabled"
        toolchain.project_options["libzmq"] = "false"
        toolchain.project_options["expected"] = "tl"
        toolchain.generate()

    def build(self):
        meson = Meson(self)
        meson.configure()
        meson.build()

    def package(self):
        copy(self, "LICENSE", self.source_folder, os.path.join(self.package_folder, "licenses"))
        Meson(self).install()

    def package_info(self):
        self.cpp_info.set_property("cmake_file_name", "serverlink")
        core = self.cpp_info.components["core"]
        core.libs = ["serverlink"]
        core.set_property("cmake_target_name", "serverlink::serverlink")
        core.set_property("pkg_config_name", "serverlink")
        core.requires = ["tl-expected::tl-expected"]
        if self.options.curve:
            core.requires.append("libsodium::libsodium")
        if self.options.get_safe("uring"):
            core.requires.append("liburing::liburing")
        if self.settings.os == "Windows":
            core.system_libs = ["ws2_32", "bcrypt", "iphlpapi"]
            core.defines = ["SL_USING_DLL"] if self.options.shared else ["SLK_STATIC"]
        else:
            core.system_libs = ["pthread", "m"]
        if self.options.http:
            page = self.cpp_info.components["http"]
            page.libs = ["serverlink-http"]
            page.set_property("cmake_target_name", "serverlink::http")
            page.set_property("pkg_config_name", "serverlink-http")
            page.requires = ["core", "cpp-httplib::cpp-httplib"]
