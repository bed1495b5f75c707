// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TESTS_SUPPORT_TEXTS_HPP
#define SLK_TESTS_SUPPORT_TEXTS_HPP

/// Messages of several parts as lists of texts.

#include <serverlink/message.hpp>
#include <serverlink/router.hpp>

#include "support/sockets.hpp"

#include <string>
#include <vector>

namespace slk::testing {

using text_list = std::vector<std::string>;

[[nodiscard]] inline multipart multipart_of(const text_list& all)
{
    multipart whole;
    for (const std::string& each : all)
        must(whole.add(each));
    return whole;
}

/// The parts of the next message, or the name of the error.
template <class Socket>
[[nodiscard]] text_list receive_texts(Socket& from, const timeout& limit = test_timeout)
{
    multipart whole;
    const auto got = from.receive(whole, limit);
    return got ? texts_of(whole) : text_list{std::string(name_of(got.error().code))};
}

/// The parts of the next message of a ROUTER, and its peer.
[[nodiscard]] inline text_list receive_routed(router& from, peer_id& peer)
{
    multipart whole;
    must(from.receive(peer, whole, test_timeout));
    return texts_of(whole);
}

} // namespace slk::testing

#endif
