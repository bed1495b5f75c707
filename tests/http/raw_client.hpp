// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TESTS_HTTP_RAW_CLIENT_HPP
#define SLK_TESTS_HTTP_RAW_CLIENT_HPP

/// A client that sends any bytes, and may stop at any of them.

#include <serverlink/address.hpp>
#include <serverlink/http.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace slk::testing {

class raw_client {
public:
    /// `buffer`: of the receiving side, in bytes; 0: the system's default.
    explicit raw_client(const slk::address& to, int buffer = 0);
    raw_client(const raw_client&) = delete;
    raw_client& operator=(const raw_client&) = delete;
    ~raw_client();

    [[nodiscard]] bool connected() const noexcept { return connected_; }
    [[nodiscard]] bool send(std::string_view bytes) const;
    /// Waits until the answer has begun to arrive.
    [[nodiscard]] bool has_answer() const;
    /// Reads up to the end of the stream, or to its reset.
    [[nodiscard]] std::string read_all() const;

private:
    std::intptr_t handle_;
    bool connected_ = false;
};

/// The whole answer to one request.
inline std::string answer_to(const slk::address& at, std::string_view request)
{
    const raw_client client(at);
    return client.send(request) ? client.read_all() : std::string();
}

inline std::string get(const slk::address& at, const std::string& path)
{
    return answer_to(at, "GET " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
}

/// "200"; empty for no answer.
inline std::string status_of(const std::string& answer)
{
    return answer.starts_with("HTTP/1.1 ") ? answer.substr(9, 3) : std::string();
}

inline std::string body_of(const std::string& answer)
{
    const std::size_t end = answer.find("\r\n\r\n");
    return end == std::string::npos ? std::string() : answer.substr(end + 4);
}

/// Makes the answer of /state longer than the system's buffers.
inline void fill_state(http_server& served)
{
    for (int i = 0; i < 30; ++i)
        served.show_listener(std::to_string(i) + std::string(200'000, 'x'), {});
}

} // namespace slk::testing

#endif
