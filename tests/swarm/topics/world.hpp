// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TESTS_SWARM_TOPICS_WORLD_HPP
#define SLK_TESTS_SWARM_TOPICS_WORLD_HPP

/// A world of publishers and subscribers: each subscriber has a link to each publisher, and either
/// side binds.

#include <serverlink/context.hpp>
#include <serverlink/pub.hpp>
#include <serverlink/sub.hpp>
#include <serverlink/xpub.hpp>
#include <serverlink/xsub.hpp>

#include "swarm/topics/topics.hpp"
#include "swarm/world_base.hpp"

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace slk::swarm::topics {

class world final : public world_base {
public:
    world(std::uint64_t seed, const run_options& options);
    ~world() override;

private:
    struct socket_host : host {
        std::optional<slk::context> context;
    };

    /// What both sides have. It is closed and created again.
    struct slot {
        std::size_t at = 0; ///< the index of its host
        bool is_extended = false; ///< XPUB or XSUB
        std::uint16_t port = 0;
        socket_options options;
        std::optional<std::variant<pub, xpub, sub, xsub>> handle;
    };

    struct publisher : slot {
        std::uint32_t instance = 0; ///< the index of its record
    };

    struct subscriber : slot {
        std::multiset<std::string> topics; ///< that it has subscribed to
        std::multiset<std::string> patterns; ///< SUB only
        std::set<std::string> ever; ///< in its life; an XSUB does not filter
        bool receiving_stopped = false;
        std::uint64_t received = 0; ///< in its life
        /// The numbers that have arrived, by instance, in its life.
        std::map<std::uint32_t, std::set<std::uint32_t>> arrived;
        /// The last ones of them: one number for each connection that may have carried them.
        std::map<std::uint32_t, std::vector<std::uint32_t>> last;
        std::set<std::pair<std::uint32_t, std::uint32_t>> expected; ///< after the faults
    };

    // world.cpp
    void choose_hosts();
    void choose_sockets();
    void start_host(socket_host& which);
    void stop_host(std::size_t which);
    void restart_host(std::size_t index);
    void create(publisher& which);
    void create(subscriber& which);
    void create_base(slot& which, bool publishes);
    void open(slot& which, bool publishes);
    void close(slot& which, duration timeout);
    [[nodiscard]] static socket& base(slot& of);
    [[nodiscard]] static bool is_publisher(const slot& which); ///< that is not closed
    [[nodiscard]] bool awake(const slot& which) const;
    [[nodiscard]] std::string endpoint_of(const slot& which) const;
    void publish(publisher& from);
    void subscribe(subscriber& which, const std::string& topic);
    void unsubscribe(subscriber& which, const std::string& topic);
    void psubscribe(subscriber& which, const std::string& pattern);
    void punsubscribe(subscriber& which, const std::string& pattern);
    [[nodiscard]] static bool wants(const subscriber& which, const std::string& topic);
    /// Prints what the script does, with the option `log`.
    void note(std::string_view what, const slot& which, std::string_view about) const;
    void receive_all(subscriber& which);
    void check_received(subscriber& which, const multipart& whole);
    void check_order(subscriber& which, std::uint32_t instance, std::uint32_t number);
    void listen(publisher& which);
    [[nodiscard]] std::string choose_topic();
    [[nodiscard]] std::string choose_pattern();
    [[nodiscard]] std::vector<slot*> all_slots();

    void act() override;
    void act_on_topics(subscriber& which);
    void act_on_socket(bool publishes);
    void act_on_paths();
    void act_on_machine();
    void undo_later(std::function<void()> undo);
    void undo_due();
    [[nodiscard]] duration choose_pause() override;
    [[nodiscard]] duration stride_of(duration time) const override;
    void run_until(time_point end) override;
    void after_stride() override;
    void count_links() override;

    // checks.cpp
    void check_sockets();
    void heal() override;
    [[nodiscard]] bool all_known();
    [[nodiscard]] static std::uint32_t topics_of(const subscriber& which);
    [[nodiscard]] duration recovery_time() const;
    void check_delivery();
    void check_losses();
    void check_end() override;
    [[nodiscard]] std::string describe() override;

    std::deque<socket_host> hosts_;
    std::deque<publisher> publishers_;
    std::deque<subscriber> subscribers_;
    bool publishers_bind_ = true;
    /// Publishers keep what a peer has subscribed to while its connection is lost.
    bool keeps_topics_ = false;
    bool deliveries_counted_ = false; ///< messages are published for check_delivery()
    std::vector<std::vector<std::string>> published_; ///< topics by instance and number
    // Of all sockets that were closed.
    std::uint64_t queued_ = 0;
    std::uint64_t lost_ = 0; ///< unsent, unconfirmed, or dropped before they were sent
    std::uint64_t received_ = 0;
    std::uint64_t discarded_ = 0;
    bool has_closed_subscriber_ = false;
    std::vector<std::function<void()>> due_; ///< undone between two calls, never inside one
};

} // namespace slk::swarm::topics

#endif
