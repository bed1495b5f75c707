// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_IO_WATCH_HPP
#define SLK_IO_WATCH_HPP

/// Watches: descriptors that are not the poller's, which it waits for by level.
///
/// A watch is armed for one event at a time. It is armed again when that event was reported, so an
/// owner that leaves something to read is notified in the next turn too, and a registration that
/// outlives its descriptor in the kernel (epoll(7), question 9) fires once at most.

#include "base/list.hpp"
#include "base/try_allocate.hpp"
#include "io/operation.hpp"
#include "io/socket_table.hpp"

#include <cstdint>
#include <vector>

namespace slk::io {

class watch : public list_node {
public:
    using report = void (*)(watch& self) noexcept;

    watch() = default;
    watch(const watch&) = delete;
    watch& operator=(const watch&) = delete;

    /// The owner's callback and its argument. Called from inside poller::turn; the watch may be
    /// changed, ended and destroyed there.
    report on_ready = nullptr;
    void* owner = nullptr;

    [[nodiscard]] bool wants_any() const noexcept { return wants_read || wants_write; }

    native_handle handle = invalid_handle;
    bool wants_read = false;
    bool wants_write = false;

    // The report.
    bool readable = false;
    bool writable = false;
    bool failed = false;
    /// The system does not let it wait any longer: this is the last report.
    bool lost = false;

    // The poller's and its backend's state.

    enum class stage : std::uint8_t {
        idle, ///< not begun, or it wants nothing
        armed, ///< the backend waits
        ready, ///< in the poller's list of reports
        reporting, ///< inside on_ready
    };
    stage at = stage::idle;
    /// The backend has something of it to undo.
    bool registered = false;
    socket_id id{};
};

/// The watches of one poller. Their ids have the form of a socket's, and are none of a socket.
class watch_table {
public:
    static constexpr std::uint32_t mark = std::uint32_t{1} << 31;

    [[nodiscard]] static bool is_watch(socket_id id) noexcept
    {
        return (id.index & mark) != 0 && id;
    }

    /// Gives the watch an id. Returns false when memory is exhausted.
    [[nodiscard]] bool add(watch& entry) noexcept
    {
        std::uint32_t index = first_free_;
        if (index != none) {
            first_free_ = places_[index].next_free;
        } else {
            index = static_cast<std::uint32_t>(places_.size());
            if (!try_push_back(places_, place{}))
                return false;
        }
        places_[index].used_by = &entry;
        entry.id = {index | mark, places_[index].generation};
        ++count_;
        return true;
    }

    void remove(watch& entry) noexcept
    {
        const std::uint32_t index = entry.id.index & ~mark;
        place& mine = places_[index];
        mine.used_by = nullptr;
        ++mine.generation;
        mine.next_free = first_free_;
        first_free_ = index;
        entry.id = {};
        --count_;
    }

    /// Events with the id that it had until now are no longer its own.
    void renew(watch& entry) noexcept
    {
        entry.id.generation = ++places_[entry.id.index & ~mark].generation;
    }

    /// Returns null for an id that has ended.
    [[nodiscard]] watch* find(socket_id id) const noexcept
    {
        const std::uint32_t index = id.index & ~mark;
        if (index >= places_.size() || places_[index].generation != id.generation)
            return nullptr;
        return places_[index].used_by;
    }

    [[nodiscard]] watch* find(native_handle handle) const noexcept
    {
        for (const place& each : places_)
            if (each.used_by != nullptr && each.used_by->handle == handle)
                return each.used_by;
        return nullptr;
    }

    /// Calls visit(watch) for each; visit may remove that one.
    template <class Visit>
    void for_each(Visit&& visit) const
    {
        for (const place& each : places_)
            if (each.used_by != nullptr)
                visit(*each.used_by);
    }

    [[nodiscard]] std::size_t count() const noexcept { return count_; }

private:
    static constexpr std::uint32_t none = UINT32_MAX;
    struct place {
        watch* used_by = nullptr;
        std::uint32_t generation = 1;
        std::uint32_t next_free = none;
    };

    std::vector<place> places_;
    std::uint32_t first_free_ = none;
    std::size_t count_ = 0;
};

} // namespace slk::io

#endif
