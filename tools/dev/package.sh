# SPDX-License-Identifier: MPL-2.0
# shellcheck shell=bash
# ./dev dist, ./dev package and ./dev abi: what is given to others.

project_version() { sed -nE "s/^ *version: '([0-9.]+)',$/\1/p" meson.build | head -n 1; }

# make_tarball FOLDER: build/FOLDER/meson-dist has it then. Meson takes what is committed.
make_tarball()
{
    configure "$1" -Dtests=disabled -Dtools=disabled -Dexamples=disabled -Dbench=disabled \
        -Dhttp=disabled -Dcurve=disabled >"$logs/dist.log" 2>&1 &&
        meson dist -C "build/$1" --no-tests --formats xztar >>"$logs/dist.log" 2>&1
}

# write_wrap TARBALL: build/dist/serverlink.wrap, with which a project of Meson's finds the library in
# the tarball. Nothing is fetched for that: the tarball is in the project's cache.
write_wrap()
{
    local sum project=$root/build/dist-project
    sum=$(sha256sum "$1")
    sed -e '/^#/d' -e "s/@VERSION@/$(project_version)/" -e "s/@SHA256@/${sum%% *}/" \
        -e "s|@ADDRESS@|${RELEASE_ADDRESS:-https://example.invalid}|" \
        packaging/wrap/serverlink.wrap.in >build/dist/serverlink.wrap
    rm -rf "$project"
    mkdir -p "$project/subprojects/packagecache"
    cp "$1" "$project/subprojects/packagecache"
    cp build/dist/serverlink.wrap "$project/subprojects"
    printf '%s\n' "project('user', 'cpp', default_options: ['cpp_std=c++20'])" \
        "dependency('serverlink', version: '$(project_version)', default_options: ['http=disabled'])" \
        >"$project/meson.build"
    if ! meson setup --wrap-mode=default "$project/build" "$project" >"$logs/wrap.log" 2>&1; then
        show_end "$logs/wrap.log"
        fail "a project does not find the library by the wrap"
    fi
}

# Twice, in two folders: the tarball of a commit is the same each time.
run_dist()
{
    local name
    need "${basic_needs[@]}" git:git || fail "$obstacle"
    mkdir -p "$logs"
    git diff --quiet HEAD || say "what is not committed is not in it"
    if ! make_tarball dist || ! make_tarball dist-again; then
        show_end "$logs/dist.log"
        fail "meson dist has failed"
    fi
    name=serverlink-$(project_version).tar.xz
    cmp "build/dist/meson-dist/$name" "build/dist-again/meson-dist/$name" ||
        fail "two runs have made two tarballs"
    write_wrap "build/dist/meson-dist/$name"
    say "build/dist/meson-dist/$name, and build/dist/serverlink.wrap for projects with Meson"
    cat "build/dist/meson-dist/$name.sha256sum"
}

# The packages of what is committed, checked by lintian, and then installed and used in a fresh
# system of the same release.
run_package()
{
    local version name work=$root/build/package
    on_debian || fail "this needs Debian"
    need "${basic_needs[@]}" "${package_needs[@]}" git:git || fail "$obstacle"
    mkdir -p "$logs"
    rm -rf "$work"
    mkdir -p "$work"
    if ! make_tarball dist; then
        show_end "$logs/dist.log"
        fail "meson dist has failed"
    fi
    version=$(project_version)
    name=serverlink-$version
    tar -C "$work" -xJf "build/dist/meson-dist/$name.tar.xz"
    cp -R "$work/$name/packaging/debian" "$work/$name/debian"
    cat >"$work/$name/debian/changelog" <<END
serverlink ($version) unstable; urgency=medium

  * Version $version; CHANGELOG.md of the project tells what has changed.

 -- ${DEBFULLNAME:-serverlink maintainers} <${DEBEMAIL:-maintainers@serverlink.invalid}>  $(git log -1 --format=%aD)
END
    say "building the packages"
    if ! (cd "$work/$name" && PATH=/usr/lib/ccache:$PATH DEB_BUILD_OPTIONS="parallel=$jobs${DEB_BUILD_OPTIONS:+ $DEB_BUILD_OPTIONS}" \
        dpkg-buildpackage --no-sign) >"$logs/package.log" 2>&1; then
        show_end "$logs/package.log"
        fail "the packages were not built; all of its output is in build/logs/package.log"
    fi
    say "lintian"
    lintian --fail-on error,warning --info "$work"/*.changes || fail "lintian has found faults"
    say "installing them in a fresh system"
    tests/packages/run.sh "$work" || fail "the packages do not work"
    ls "$work"/*.deb
}

# Compares the library with that of the last tag.
run_abi()
{
    local tag now was
    tag=$(git describe --tags --abbrev=0 --match 'v*' 2>/dev/null) || {
        echo "no tag yet: there is no version to compare with"
        return
    }
    need "${basic_needs[@]}" abidiff:abigail-tools git:git || fail "$obstacle"
    mkdir -p "$logs"
    rm -rf build/abi
    git worktree prune
    git worktree add --force --detach build/abi/source "$tag" >"$logs/abi.log" 2>&1 ||
        { show_end "$logs/abi.log" && fail "there is no source of $tag"; }
    say "building $tag, and what is here"
    for now in source .; do
        was=build/abi/$([[ $now == . ]] && echo now || echo tag)
        # With debugging information, and of the public types alone.
        if ! { CXX=$(with_ccache g++) meson setup "$was" "$([[ $now == . ]] && echo . || echo build/abi/source)" \
            --buildtype debug "${unity[@]}" -Dtests=disabled -Dtools=disabled -Dexamples=disabled \
            -Dbench=disabled -Dlibzmq=false -Dhttp=disabled && ninja -C "$was" -j "$jobs"; } >>"$logs/abi.log" 2>&1; then
            show_end "$logs/abi.log"
            fail "the build failed; all of its output is in build/logs/abi.log"
        fi
    done
    git worktree remove --force build/abi/source
    # 4: something has changed; 8: programs that were linked before do not run any more.
    was=0
    abidiff --headers-dir1 include --headers-dir2 include build/abi/tag/src/libserverlink.so.0 \
        build/abi/now/src/libserverlink.so.0 >build/abi/report || was=$?
    cat build/abi/report
    ((was & 3)) && fail "abidiff has failed"
    ((was & 8)) && fail "programs that are linked with $tag do not run with this library"
    say "programs that are linked with $tag run with this library"
}
