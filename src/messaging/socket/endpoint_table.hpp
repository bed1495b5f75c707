// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_MESSAGING_SOCKET_ENDPOINT_TABLE_HPP
#define SLK_MESSAGING_SOCKET_ENDPOINT_TABLE_HPP

/// The endpoints of a socket: one entry for each bind() and connect(). For the socket's thread.

#include <serverlink/link.hpp>
#include <serverlink/socket.hpp>

#include "io/timer.hpp"
#include "messaging/connection/acceptor.hpp"
#include "messaging/connection/connection.hpp"
#include "messaging/connection/link_connections.hpp"

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace slk::messaging {

class context_core;

struct endpoint_entry final : connection_observer, io::resident, departing_endpoint {
    endpoint_entry() noexcept;
    ~endpoint_entry() = default;

    /// A peer that accepts connections and then refuses the handshake is retried with growing
    /// delays, so a link counts as useful only now.
    void connection_ready() noexcept override { connecting->confirm_useful(); }

    /// bind() only, and not inproc: on the loop's thread. The port is free on return.
    void stop_listening() noexcept;
    void report_closed(const address& local) const noexcept;

    // --- after the socket has given the endpoint up (departing_endpoint.cpp) ---

    /// Where the connections live; null for inproc.
    [[nodiscard]] io_loop* on() const noexcept;
    /// What is queued is sent for up to `linger`. Then the entry, which nobody owns any more,
    /// deletes itself; perhaps during this call. Not for inproc. On the loop's thread.
    void depart(duration linger, const std::shared_ptr<context_core>& from) noexcept;
    void everything_sent() noexcept override;
    void connection_closed() noexcept override;
    void end_departure() noexcept override;
    /// The link does not try any more, and nothing else will be sent.
    void link_stopped(const error& reason) noexcept;
    void loop_closing() noexcept override { end_departure(); }

    endpoint_kind kind = endpoint_kind::connected;
    std::uint64_t number = 0;
    std::string text{};
    std::string inproc_name{};
    /// STREAM only: the routing id of the peer there, which connect() or the pattern has given.
    std::string peer_name{};
    /// STREAM only: the peer is being closed by this side, and the endpoint ends with it.
    bool ends_with_peer = false;
    bool is_over = false;

    reference<endpoint_log> log{}; ///< ends last: the link's handlers refer to it

    // connect() only.
    reference<connection> connected{};
    reference<link_connections> successive{}; ///< instead of `connected`
    std::optional<link> connecting{}; ///< ends first: its handler refers to the connections
    reference<pipe> peer{}; ///< the present one
    // bind() only.
    reference<acceptor> accepting{};
    /// It does not listen any more; its connections stay. Nobody finds it.
    bool is_unbound = false;

    endpoint_entry* next_in_list = nullptr;
    bool is_removed = false;

private:
    [[nodiscard]] time_point time_now() const noexcept;
    void count_out() noexcept;
    void expire() noexcept;

    enum class departure : std::uint8_t { none, begins, under_way, over };
    departure state_ = departure::none;
    bool is_sent_ = false;
    std::shared_ptr<context_core> counted_by_; ///< as one that is sending
    io::timer timer_;
};

/// Some of the endpoints of a socket, as a chain through the entries: an entry is in the list that
/// was made last.
class endpoint_list {
public:
    endpoint_list() = default;
    explicit endpoint_list(endpoint_entry& only) noexcept { add(only); }

    [[nodiscard]] bool empty() const noexcept { return first_ == nullptr; }
    void add(endpoint_entry& entry) noexcept
    {
        entry.next_in_list = nullptr;
        (last_ != nullptr ? last_->next_in_list : first_) = &entry;
        last_ = &entry;
        ++size_;
    }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    /// Null: no entry of the list has that number.
    [[nodiscard]] const endpoint_entry* find(std::uint64_t number) const noexcept
    {
        const endpoint_entry* entry = first_;
        while (entry != nullptr && entry->number != number)
            entry = entry->next_in_list;
        return entry;
    }
    template <class Visit>
    void for_each(Visit&& visit) const
    {
        for (endpoint_entry* entry = first_; entry != nullptr;) {
            endpoint_entry* const next = entry->next_in_list;
            visit(*entry);
            entry = next;
        }
    }

private:
    endpoint_entry* first_ = nullptr;
    endpoint_entry* last_ = nullptr;
    std::size_t size_ = 0;
};

class endpoint_table {
public:
    [[nodiscard]] std::span<const std::unique_ptr<endpoint_entry>> all() const noexcept
    {
        return entries_;
    }
    /// Null: it was taken back.
    [[nodiscard]] endpoint_entry* find(std::uint64_t number) const noexcept;
    /// All endpoints of this kind and text; if there are none, those that mean the same place.
    /// Errors: out_of_memory.
    [[nodiscard]] result<endpoint_list> find_all(endpoint_kind kind, std::string_view text) const;
    [[nodiscard]] endpoint_list everything() const noexcept;

    /// Makes room for one more. Returns false when memory is exhausted.
    [[nodiscard]] bool reserve() noexcept;
    /// After reserve(). `text`: once more the text of the entry.
    endpoint_entry& add(std::unique_ptr<endpoint_entry> entry, std::string text) noexcept;
    void remove(const endpoint_list& which) noexcept
    {
        mark_removed(which);
        remove_marked();
    }
    void mark_removed(const endpoint_list& which) noexcept;
    /// Takes the marked ones that live on this loop out of the table: they are the caller's.
    [[nodiscard]] endpoint_list release_removed(const io_loop& on) noexcept;
    void remove_marked() noexcept;

    /// The text of the endpoint that was added last.
    [[nodiscard]] const std::string& last_text() const noexcept { return last_text_; }

private:
    std::vector<std::unique_ptr<endpoint_entry>> entries_;
    std::string last_text_;
};

/// Whether the peer came by one of these endpoints.
[[nodiscard]] bool came_by(const pipe& peer, const endpoint_list& which) noexcept;

} // namespace slk::messaging

#endif
