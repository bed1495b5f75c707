// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TOOL_FLOW_LEDGER_HPP
#define SLK_TOOL_FLOW_LEDGER_HPP

/// Accounts for the numbered messages of one publisher to one subscriber, through a proxy that is
/// killed: which were published, which arrived, and why others did not.

#include <serverlink/socket.hpp>

#include <cstdint>
#include <vector>

namespace slk::tool {

struct flow_verdict {
    std::uint64_t published = 0;
    std::uint64_t arrived = 0; ///< different ones
    // The publisher did not queue them: send_outcome.
    std::uint64_t no_subscriber = 0;
    std::uint64_t queue_full = 0;
    /// Queued before a kill, and gone with the proxy.
    std::uint64_t lost_with_proxy = 0;
    /// Queued after a kill, or after the start, and passed by the proxy while it did not know the
    /// subscriber.
    std::uint64_t before_subscription = 0;
    // There should be none.
    std::uint64_t duplicated = 0;
    std::uint64_t out_of_order = 0; ///< or never published
    std::uint64_t unexplained = 0; ///< queued, missing, and not next to a kill

    flow_verdict& operator+=(const flow_verdict& other) noexcept;
    /// Each published message is in one place, and nothing is there that should not be.
    [[nodiscard]] bool adds_up() const noexcept;
};

class flow_ledger {
public:
    /// The messages have the numbers 1, 2, 3, ...
    void publish(send_outcome outcome) { outcomes_.push_back(outcome); }
    void arrive(std::uint64_t number) { arrivals_.push_back(number); }
    /// The proxy was killed after the latest message.
    void kill() { kills_.push_back(outcomes_.size()); }

    /// The last message that was queued has arrived.
    [[nodiscard]] bool has_last() const noexcept;
    [[nodiscard]] flow_verdict judge() const;

private:
    std::vector<send_outcome> outcomes_;
    std::vector<std::uint64_t> arrivals_;
    std::vector<std::uint64_t> kills_{0}; ///< at first there was no proxy either
};

} // namespace slk::tool

#endif
