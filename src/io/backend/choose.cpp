// SPDX-License-Identifier: MPL-2.0

// The only file that names the backends.

#include <serverlink/loop.hpp>

#include "base/try_allocate.hpp"
#include "io/poller.hpp"

#include "build_config.hpp"

#include <array>
#include <iterator>

#if defined(SLK_HAVE_IOCP)
#include "io/backend/iocp/iocp_poller.hpp"
#endif
#if defined(SLK_HAVE_IO_URING)
#include "io/backend/io_uring/io_uring_poller.hpp"
#endif
#if defined(SLK_HAVE_EPOLL)
#include "io/backend/epoll/epoll_poller.hpp"
#endif
#if defined(SLK_HAVE_KQUEUE)
#include "io/backend/kqueue/kqueue_poller.hpp"
#endif
#if defined(SLK_HAVE_SELECT)
#include "io/backend/select/select_poller.hpp"
#endif

namespace slk::io {

namespace {

struct backend {
    std::string_view name;
    result<std::unique_ptr<poller>> (*make)(clock& time);
};

// Best first.
constexpr backend backends[] = {
#if defined(SLK_HAVE_IOCP)
    {"iocp", make_iocp_poller},
#endif
#if defined(SLK_HAVE_IO_URING)
    {"io_uring", make_io_uring_poller},
#endif
#if defined(SLK_HAVE_EPOLL)
    {"epoll", make_epoll_poller},
#endif
#if defined(SLK_HAVE_KQUEUE)
    {"kqueue", make_kqueue_poller},
#endif
#if defined(SLK_HAVE_SELECT)
    {"select", make_select_poller},
#endif
};

constexpr auto names = [] {
    std::array<std::string_view, std::size(backends)> list{};
    for (std::size_t index = 0; index < list.size(); ++index)
        list[index] = backends[index].name;
    return list;
}();

} // namespace

std::span<const std::string_view> compiled_backends() noexcept
{
    return names;
}

result<std::unique_ptr<poller>> make_poller(clock& time, std::vector<refused_backend>* refused)
{
    // A system may refuse a backend of the build; the next one may work.
    error refusal{errc::not_supported, phase::setup};
    for (const backend& candidate : backends) {
        auto made = candidate.make(time);
        if (made)
            return made;
        refusal = made.error();
        if (refused != nullptr &&
            !try_push_back(*refused, refused_backend{candidate.name, refusal}))
            return fail(errc::out_of_memory, phase::setup);
    }
    return fail(refusal);
}

result<std::unique_ptr<poller>> make_poller(clock& time, std::string_view backend_name)
{
    for (const backend& candidate : backends)
        if (candidate.name == backend_name)
            return candidate.make(time);
    return fail(errc::not_supported, phase::setup, "this build has no backend of that name");
}

} // namespace slk::io
