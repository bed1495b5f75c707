// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_IO_BACKEND_SIM_SLOTS_HPP
#define SLK_IO_BACKEND_SIM_SLOTS_HPP

/// Objects that are named by a number, in places that are reused.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

namespace slk::io::sim {

/// References stay valid until the object is given back. It keeps its memory then (a packet its
/// bytes); the next user of the place initialises it.
template <class T>
class slots {
public:
    [[nodiscard]] std::uint32_t take()
    {
        if (!free_.empty()) {
            const std::uint32_t number = free_.back();
            free_.pop_back();
            return number;
        }
        things_.emplace_back();
        return static_cast<std::uint32_t>(things_.size() - 1);
    }

    void give_back(std::uint32_t number) { free_.push_back(number); }

    [[nodiscard]] T& operator[](std::uint32_t number) { return things_[number]; }
    [[nodiscard]] const T& operator[](std::uint32_t number) const { return things_[number]; }
    /// Places, used or free.
    [[nodiscard]] std::uint32_t size() const { return static_cast<std::uint32_t>(things_.size()); }

    [[nodiscard]] std::size_t in_use() const { return things_.size() - free_.size(); }

private:
    std::deque<T> things_;
    std::vector<std::uint32_t> free_;
};

} // namespace slk::io::sim

#endif
