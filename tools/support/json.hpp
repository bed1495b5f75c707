// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TOOLS_SUPPORT_JSON_HPP
#define SLK_TOOLS_SUPPORT_JSON_HPP

/// JSON objects as one line of text. nlohmann-json makes the text; its header is a large one, so
/// that only json.cpp includes it.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace slk::tool {

/// Its members are printed in the order in which they were added.
class json_object {
public:
    json_object();
    json_object(const json_object& other);
    json_object(json_object&& other) noexcept;
    json_object& operator=(json_object other) noexcept;
    ~json_object();

    /// Bytes that are not UTF-8 become U+FFFD.
    json_object& text(std::string_view key, std::string_view value);
    json_object& number(std::string_view key, std::uint64_t value);
    /// Rounded to `decimals`. An infinite value, and one that is not a number, become null.
    json_object& number(std::string_view key, double value, int decimals = 3);
    json_object& null(std::string_view key);
    json_object& object(std::string_view key, const json_object& value);
    json_object& array(std::string_view key, const std::vector<json_object>& values);

    [[nodiscard]] std::string str() const;

private:
    struct content;
    std::unique_ptr<content> content_;
};

/// A value that was read. Members that are not there are as empty ones.
class json_value {
public:
    /// Nothing if the text is no JSON.
    [[nodiscard]] static std::optional<json_value> parse(std::string_view text);

    [[nodiscard]] std::string text(std::string_view key) const;
    [[nodiscard]] double number(std::string_view key) const;
    [[nodiscard]] bool truth(std::string_view key) const;
    [[nodiscard]] bool has(std::string_view key) const;
    [[nodiscard]] json_value member(std::string_view key) const;
    [[nodiscard]] std::vector<json_value> list(std::string_view key) const;

private:
    struct content;
    explicit json_value(std::shared_ptr<const content> read);
    std::shared_ptr<const content> content_;
};

} // namespace slk::tool

#endif
