// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_HTTP_JSON_TEXT_HPP
#define SLK_HTTP_JSON_TEXT_HPP

/// Writes JSON. That of nlohmann allocates in its destructors, which ends the process when there is
/// no memory.

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace slk::http {

/// Each function throws std::bad_alloc. Names are plain words. An empty name: a member of a list.
class json_text {
public:
    void open_object(std::string_view name = {}) { open(name, '{'); }
    void close_object() { close('}'); }
    void open_list(std::string_view name = {}) { open(name, '['); }
    void close_list() { close(']'); }

    /// Bytes that are not printable ASCII become \xHH, as in open_metrics().
    void text(std::string_view name, std::string_view bytes);
    void number(std::string_view name, std::uint64_t value);
    void number(std::string_view name, double value);
    void boolean(std::string_view name, bool value);

    [[nodiscard]] std::string take() noexcept { return std::move(written_); }

private:
    void begin(std::string_view name);
    void open(std::string_view name, char bracket);
    void close(char bracket);

    std::string written_;
    bool needs_comma_ = false;
};

} // namespace slk::http

#endif
