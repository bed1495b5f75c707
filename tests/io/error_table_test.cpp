// SPDX-License-Identifier: MPL-2.0
#include "io/os/system.hpp"

#include <doctest/doctest.h>

#include <cerrno>

#include <netdb.h>

using namespace slk;
using namespace slk::io;

TEST_CASE("C9: every errno that the manual pages name has a meaning")
{
    constexpr int named[] = {
        // connect(2), tcp(7), ip(7)
        EACCES,
        EPERM,
        EADDRINUSE,
        EADDRNOTAVAIL,
        EAFNOSUPPORT,
        EAGAIN,
        EALREADY,
        EBADF,
        ECONNREFUSED,
        EFAULT,
        EINPROGRESS,
        EINTR,
        EISCONN,
        ENETUNREACH,
        ENOTSOCK,
        EPROTOTYPE,
        ETIMEDOUT,
        EHOSTUNREACH,
        ECONNRESET,
        ENETDOWN,
        EHOSTDOWN,
        ENODEV,
        ECONNABORTED,
        // accept(2)
        EWOULDBLOCK,
        EINVAL,
        EMFILE,
        ENFILE,
        ENOBUFS,
        ENOMEM,
        EOPNOTSUPP,
        EPROTO,
        ENOSR,
        ESOCKTNOSUPPORT,
        EPROTONOSUPPORT,
        ENOPROTOOPT,
        ENONET,
        // send(2), recv(2)
        EDESTADDRREQ,
        EMSGSIZE,
        ENOTCONN,
        EPIPE,
        ESHUTDOWN,
        ENETRESET,
        // bind(2), listen(2), socket(2), setsockopt(2)
        ELOOP,
        ENAMETOOLONG,
        ENOENT,
        ENOTDIR,
        EROFS,
        EDOM,
        EPFNOSUPPORT,
        // epoll_create1(2), epoll_ctl(2), epoll_wait(2), eventfd(2)
        EEXIST,
        ENOSPC,
        ENOSYS,
        ENOTSUP,
        ECANCELED,
    };
    for (const int native : named) {
        CAPTURE(native);
        for (const phase where : {phase::connect, phase::accept, phase::transfer, phase::bind}) {
            const error failure = os::translate(native, where);
            CHECK(failure.code != errc::unknown);
            CHECK(failure.code != errc::ok);
            CHECK(failure.native == native);
            CHECK(failure.phase == where);
        }
    }
}

TEST_CASE("a send that finds the wrong protocol type meets a reset, as on macOS")
{
    CHECK(os::translate(EPROTOTYPE, phase::transfer) == errc::connection_reset);
    CHECK(os::translate(EPROTOTYPE, phase::open) == errc::not_supported);
}

TEST_CASE("C9: a number that no table knows is unknown and kept")
{
    for (const int native : {12345, -1, 0, INT32_MAX}) {
        const error failure = os::translate(native, phase::transfer);
        CHECK(failure == errc::unknown);
        CHECK(failure.native == native);
    }
    CHECK(os::translate_name_error(-12345) == errc::unknown);
    CHECK(os::translate_name_error(-12345).native == -12345);
}

TEST_CASE("W20: an address that is not available is a lack of ports only when connecting")
{
    CHECK(os::translate(EADDRNOTAVAIL, phase::connect) == errc::no_local_port);
    CHECK(os::translate(EADDRNOTAVAIL, phase::bind) == errc::address_not_available);
    CHECK(os::translate(EADDRINUSE, phase::listen) == errc::address_in_use);
    CHECK(os::translate(EAGAIN, phase::connect) == errc::no_local_port);
    CHECK(os::translate(EAGAIN, phase::transfer) == errc::would_block);
}

TEST_CASE("the errors of a name service distinguish a missing name from a failed lookup")
{
    CHECK(os::translate_name_error(EAI_NONAME) == errc::name_not_found);
    CHECK(os::translate_name_error(EAI_AGAIN) == errc::name_lookup_failed);
    CHECK(os::translate_name_error(EAI_FAIL) == errc::name_lookup_failed);
    CHECK(os::translate_name_error(EAI_MEMORY) == errc::out_of_memory);
    CHECK(os::translate_name_error(EAI_FAMILY) == errc::address_family_not_supported);
    errno = EMFILE;
    CHECK(os::translate_name_error(EAI_SYSTEM).native == EMFILE);
    CHECK(os::translate_name_error(EAI_NONAME).phase == phase::resolve);
}
