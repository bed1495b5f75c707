// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TESTS_SOCKETS_PUB_SUB_PUB_SUB_WAYS_HPP
#define SLK_TESTS_SOCKETS_PUB_SUB_PUB_SUB_WAYS_HPP

/// Transports for publishers and subscribers, and requests as messages.

#include <serverlink/serverlink.hpp>

#include "support/sockets.hpp"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace slk::testing {

/// Calls the test for each transport, with a context without and with a thread.
inline void
for_each_transport(const std::function<void(context&, const std::string& endpoint)>& test)
{
    std::vector<std::string> endpoints{"tcp://127.0.0.1:*", "inproc://upstream"};
#ifndef _WIN32
    endpoints.emplace_back("ipc://*");
#endif
    for (const std::string& where : endpoints)
        for (const int threads : {1, 0}) {
            CAPTURE(where);
            CAPTURE(threads);
            auto in = new_context(threads);
            test(in, where);
        }
}

[[nodiscard]] inline std::string subscription(std::string_view topic)
{
    return "\1" + std::string(topic);
}

[[nodiscard]] inline std::string cancellation(std::string_view topic)
{
    return std::string(1, '\0') + std::string(topic);
}

[[nodiscard]] inline multipart parts_of(const std::vector<std::string>& texts)
{
    multipart whole;
    for (const std::string& each : texts)
        must(whole.add(std::string_view(each)));
    return whole;
}

/// The texts of the parts of the next message, or the name of the error in parentheses.
template <class Socket>
[[nodiscard]] std::vector<std::string> receive_parts(Socket& from,
                                                     const timeout& limit = test_timeout)
{
    multipart whole;
    const auto received = from.receive(whole, limit);
    return received ? texts_of(whole)
                    : std::vector{"(" + std::string(name_of(received.error().code)) + ")"};
}

} // namespace slk::testing

#endif
