// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_PATTERN_XSUB_HPP
#define SLK_PATTERN_XSUB_HPP

/// XSUB: a SUB that does not filter what its peers send, and that sends messages to all of them,
/// which do not go through route(): the loops write topics into the same lanes. RFC 29.

#include "pattern/subscriber.hpp"

namespace slk::pattern {

class xsub final : public subscriber {
public:
    /// `topics`: not null.
    explicit xsub(reference<topic_book> topics) noexcept
        : subscriber(kind::plain, std::move(topics))
    {
    }

    [[nodiscard]] bool can_send(room_check&) noexcept override { return true; }

    void set_options(const socket_options& options) noexcept override
    {
        subscriber::set_options(options);
        topics()->set_tells_every_end(options.verbose_unsubscribe);
    }
};

} // namespace slk::pattern

#endif
