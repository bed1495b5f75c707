// SPDX-License-Identifier: MPL-2.0

// In this program kqueue is the only backend: this file replaces the library's
// src/io/backend/choose.cpp.

#include "io/backend/kqueue/kqueue_poller.hpp"

namespace slk::io {

std::span<const std::string_view> compiled_backends() noexcept
{
    static constexpr std::string_view names[] = {"kqueue"};
    return names;
}

result<std::unique_ptr<poller>> make_poller(clock& time, std::vector<refused_backend>* /*refused*/)
{
    return make_kqueue_poller(time);
}

result<std::unique_ptr<poller>> make_poller(clock& time, std::string_view /*backend*/)
{
    return make_kqueue_poller(time);
}

} // namespace slk::io
