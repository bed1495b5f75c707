// SPDX-License-Identifier: MPL-2.0
#ifndef SERVERLINK_INTROSPECTION_HPP
#define SERVERLINK_INTROSPECTION_HPP

/// What is subscribed to in a context: the topics that the peers of its PUBs and XPUBs want, how
/// many of these peers want a topic, and how many patterns its own SUBs and XSUBs have.
///
///     SLK_TRY(const auto topics, slk::subscribed_topics(context, "news.*"));
///     SLK_TRY(const std::size_t readers, slk::subscriber_count(context, "news.sport"));
///
/// Any thread may ask, also while others use the sockets. All sockets of the context count until
/// they are closed, those of its brokers, sharded publishers and clusters too.
///
/// A subscription counts from when its publisher has taken it, which it does at the beginning of
/// each of its calls, send() and events() for example, and before an XPUB reports it. It no longer
/// counts when the publisher has taken the cancellation, or the end of the connection. With the
/// option `manual` the topics count that the XPUB has subscribed its peers to. A pattern is known
/// to publishers as the bytes that it begins with (or with patterns_subscribe_all as the empty
/// topic), and counts there as a topic. A cluster has an XSUB for each node, with all patterns.
///
/// A publisher that changes its subscriptions at the same time waits until some hundred topics were
/// copied; messages do not wait. Errors of all functions: invalid_state (the context was moved
/// from), forked, out_of_memory.

#include <serverlink/context.hpp>
#include <serverlink/export.hpp>
#include <serverlink/result.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace slk {

/// Returns each topic that at least one connection has subscribed to and that matches a pattern,
/// once, in the order of their bytes. An empty pattern, and "*", is for all topics; for others see
/// sub::psubscribe(). A topic that comes or goes during the call may be missing or not. Further
/// errors: invalid_argument (those of psubscribe()).
[[nodiscard]] SLK_API result<std::vector<std::string>>
subscribed_topics(const context& of, std::string_view matching = {});

/// Returns the number of connections that have subscribed to just this topic, and not only to its
/// beginning, summed over all publishers.
[[nodiscard]] SLK_API result<std::size_t> subscriber_count(const context& of,
                                                           std::string_view topic);

/// Returns the number of different patterns of each SUB and XSUB, summed over all of them.
[[nodiscard]] SLK_API result<std::size_t> pattern_count(const context& of);

} // namespace slk

#endif
