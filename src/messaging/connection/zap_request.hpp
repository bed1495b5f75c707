// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_MESSAGING_CONNECTION_ZAP_REQUEST_HPP
#define SLK_MESSAGING_CONNECTION_ZAP_REQUEST_HPP

/// One request to the ZAP handler of a context (RFC 27), and its reply. To the handler's socket it
/// is a peer of inproc that sends one message, as each session of libzmq is. So replies cannot be
/// mixed up, in whatever order they come, and a second one finds nobody.

#include "base/reference.hpp"
#include "messaging/connection/authentication.hpp"
#include "messaging/context/io_loop.hpp"
#include "messaging/pipe/pipe.hpp"

#include <array>
#include <atomic>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace slk::messaging {

/// libzmq's numbers of what is wrong with a reply (ZMQ_PROTOCOL_ERROR_ZAP_*): error::native.
enum class zap_fault : std::int32_t {
    unspecified = 0x20000000,
    malformed_reply = 0x20000001,
    bad_request_id = 0x20000002,
    bad_version = 0x20000003,
    invalid_status_code = 0x20000004,
    invalid_metadata = 0x20000005,
};

/// Reads the parts of a reply. Errors: protocol_error with a zap_fault, out_of_memory.
[[nodiscard]] result<authentication_answer> parse_zap_reply(std::span<const message> parts);

struct zap_question {
    std::string_view domain{};
    address peer{};
    std::intptr_t handle = -1; ///< of the connection
    std::string_view identity{};
    std::string_view mechanism{};
    /// At most two parts.
    std::span<const std::span<const std::byte>> credentials{};
};

/// On the loop's thread, but for what the handler's socket calls.
class zap_request final : public far_end {
public:
    static constexpr std::string_view handler_name = "zeromq.zap.01";

    /// Sends the request; `asked` gets the answer in a later turn of the loop. Errors:
    /// not_connected (there is no handler), not_supported (a socket that cannot reply has its
    /// name), would_block (too many requests wait for it), loop_closed, out_of_memory.
    [[nodiscard]] static result<reference<zap_request>>
    send(const std::shared_ptr<io_loop>& on, authentication& asked, const zap_question& question);

    /// Nobody waits for the answer any more.
    void cancel() noexcept;

    // Any thread.

    void on_readable() noexcept override { request(wants_read); }
    void on_writable() noexcept override {}
    void pipe_closed(const error&) noexcept override { request(wants_end); }
    void disconnect(const error&) noexcept override { request(wants_end); }

private:
    zap_request(std::shared_ptr<io_loop> on, authentication& asked,
                reference<pipe_lanes> lanes) noexcept;
    ~zap_request() override = default;

    [[nodiscard]] bool write(const zap_question& question) noexcept;
    [[nodiscard]] bool read_reply();
    void serve(std::uint32_t requests);
    void request(std::uint32_t what) noexcept;

    static constexpr std::uint32_t wants_read = 1;
    static constexpr std::uint32_t wants_end = 2;

    const std::shared_ptr<io_loop> on_;
    reference<authentication> asked_; ///< null: nobody waits any more
    const reference<pipe_lanes> lanes_;
    reference<pipe> handler_; ///< the handler's end of the lanes
    pipe_out out_;
    pipe_in in_;
    std::vector<message> reply_;
    std::atomic<std::uint32_t> requests_{0};
    io::task task_;
};

} // namespace slk::messaging

#endif
