// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_MESSAGING_OBSERVE_ENDPOINT_LOG_HPP
#define SLK_MESSAGING_OBSERVE_ENDPOINT_LOG_HPP

/// What the connections of one endpoint leave behind when their handshake fails: a count, and the
/// latest reason. However many they are, the socket's thread is not woken, and nothing is
/// allocated.

#include <serverlink/error.hpp>

#include "base/ref_counted.hpp"
#include "base/reference.hpp"
#include "messaging/observe/inbox.hpp"

#include <cstdint>
#include <mutex>

namespace slk::messaging {

/// For any thread.
class endpoint_log final : public ref_counted<endpoint_log> {
public:
    /// Errors: out_of_memory.
    [[nodiscard]] static result<reference<endpoint_log>> create(std::uint64_t number,
                                                                reference<inbox> owner, phase at);

    struct failures {
        std::uint64_t count = 0;
        error latest{};
    };

    void handshake_failed(const error& why) noexcept;
    [[nodiscard]] failures handshake_failures() const noexcept;

    const std::uint64_t number; ///< of the endpoint

private:
    friend class ref_counted<endpoint_log>;
    endpoint_log(std::uint64_t its_number, reference<inbox> owner) noexcept
        : number(its_number), owner_(std::move(owner))
    {
    }
    ~endpoint_log() = default;

    const reference<inbox> owner_;
    mutable std::mutex guard_; ///< held for an assignment only
    failures failures_; ///< guarded
};

} // namespace slk::messaging

#endif
