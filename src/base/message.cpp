// SPDX-License-Identifier: MPL-2.0
#include <serverlink/message.hpp>

#include "base/body_pool.hpp"
#include "base/call_user.hpp"
#include "base/message_access.hpp"
#include "base/try_allocate.hpp"

#include <new>

namespace slk {

using message_detail::access;
using message_detail::shared_memory;

namespace {

struct adopted_memory final : shared_memory {
    std::span<const std::byte> bytes;
    void (*released)(std::span<const std::byte>, void*);
    void* hint;
};

} // namespace

namespace message_detail {

owned_memory* owned_memory::create(std::size_t size) noexcept
{
    if (size > SIZE_MAX - sizeof(owned_memory))
        return nullptr;
    const body_pool::block taken = body_pool::shared().take(sizeof(owned_memory) + size);
    if (taken.memory == nullptr)
        return nullptr;
    auto* const made = new (taken.memory) owned_memory;
    made->block_size = taken.size;
    made->dispose = [](shared_memory* self) noexcept {
        auto* const over = static_cast<owned_memory*>(self);
        const std::size_t size_of_block = over->block_size;
        over->~owned_memory();
        body_pool::shared().give_back({over, size_of_block});
    };
    return made;
}

owned_memory* owned_memory::resize(std::size_t size, std::size_t used) noexcept
{
    if (size <= block_size - sizeof(owned_memory))
        return this;
    auto* const larger = create(size);
    if (larger == nullptr)
        return nullptr;
    std::memcpy(larger->bytes(), bytes(), used);
    release();
    return larger;
}

} // namespace message_detail

result<message> message::copy_of(std::span<const std::byte> bytes)
{
    SLK_TRY(auto made, allocate_for_overwrite(bytes.size()));
    if (!bytes.empty())
        std::memcpy(made.writable().data(), bytes.data(), bytes.size());
    return made;
}

result<message> message::allocate(std::size_t size)
{
    SLK_TRY(auto made, allocate_for_overwrite(size));
    if (size > 0)
        std::memset(made.writable().data(), 0, size);
    return made;
}

result<message> message::allocate_for_overwrite(std::size_t size)
{
    message made;
    if (size <= inline_capacity) {
        made.is_.kind = static_cast<std::uint8_t>(size);
        return made;
    }
    auto* const memory = message_detail::owned_memory::create(size);
    if (memory == nullptr)
        return fail(errc::out_of_memory, phase::none);
    access::view(made, memory->bytes(), size, memory, true);
    return made;
}

result<message> message::adopt(std::span<const std::byte> bytes,
                               void (*release)(std::span<const std::byte>, void*), void* hint)
{
    auto* const memory = new (std::nothrow) adopted_memory;
    if (memory == nullptr)
        return fail(errc::out_of_memory, phase::none);
    memory->bytes = bytes;
    memory->released = release;
    memory->hint = hint;
    memory->dispose = [](shared_memory* self) noexcept {
        auto* const over = static_cast<adopted_memory*>(self);
        if (over->released != nullptr)
            call_user("the release function of message::adopt()",
                      [&] { over->released(over->bytes, over->hint); });
        delete over;
    };
    message made;
    access::view(made, bytes.data(), bytes.size(), memory, false);
    return made;
}

message message::copy() const noexcept
{
    message other;
    if (is_view()) {
        view_.owner->retain();
        access::view(other, view_.data, view_.size, view_.owner, view_.writable);
    } else {
        access::copy(other, bytes());
    }
    other.is_.more = is_.more;
    other.is_.lifetime = is_.lifetime;
    return other;
}

result<void> multipart::add(std::string_view text)
{
    SLK_TRY(auto part, message::copy_of(text));
    if (!access::try_add(*this, std::move(part)))
        return fail(errc::out_of_memory, phase::none);
    return {};
}

result<void> multipart::reserve(std::size_t parts)
{
    if (!try_reserve(parts_, parts))
        return fail(errc::out_of_memory, phase::none);
    return {};
}

void received_batch::clear() noexcept
{
    parts_.clear();
    for (shared_memory* const each : owners_)
        each->release();
    owners_.clear();
}

std::span<std::byte> message::writable() noexcept
{
    if (!is_view())
        return {inline_, is_.kind};
    const bool alone = view_.owner->users.load(std::memory_order_acquire) == 1;
    if (!view_.writable || !alone)
        return {};
    return {const_cast<std::byte*>(view_.data), view_.size};
}

} // namespace slk
