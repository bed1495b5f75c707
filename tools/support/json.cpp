// SPDX-License-Identifier: MPL-2.0
#include "tools/support/json.hpp"

#include <nlohmann/json.hpp>

#include <cmath>
#include <utility>

namespace slk::tool {

struct json_object::content {
    nlohmann::ordered_json value = nlohmann::ordered_json::object();
};

json_object::json_object() : content_(std::make_unique<content>()) {}

json_object::json_object(const json_object& other)
    : content_(std::make_unique<content>(*other.content_))
{
}

json_object::json_object(json_object&& other) noexcept = default;

json_object& json_object::operator=(json_object other) noexcept
{
    content_ = std::move(other.content_);
    return *this;
}

json_object::~json_object() = default;

json_object& json_object::text(std::string_view key, std::string_view value)
{
    content_->value[std::string(key)] = std::string(value);
    return *this;
}

json_object& json_object::number(std::string_view key, std::uint64_t value)
{
    content_->value[std::string(key)] = value;
    return *this;
}

json_object& json_object::number(std::string_view key, double value, int decimals)
{
    const double scale = std::pow(10.0, decimals);
    const double rounded = std::round(value * scale) / scale;
    content_->value[std::string(key)] = std::isfinite(rounded) ? rounded : value;
    return *this;
}

json_object& json_object::null(std::string_view key)
{
    content_->value[std::string(key)] = nullptr;
    return *this;
}

json_object& json_object::object(std::string_view key, const json_object& value)
{
    content_->value[std::string(key)] = value.content_->value;
    return *this;
}

json_object& json_object::array(std::string_view key, const std::vector<json_object>& values)
{
    auto& all = content_->value[std::string(key)] = nlohmann::ordered_json::array();
    for (const json_object& each : values)
        all.push_back(each.content_->value);
    return *this;
}

std::string json_object::str() const
{
    return content_->value.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

struct json_value::content {
    nlohmann::json value;
};

json_value::json_value(std::shared_ptr<const content> read) : content_(std::move(read)) {}

std::optional<json_value> json_value::parse(std::string_view text)
{
    auto read = nlohmann::json::parse(text, nullptr, false);
    if (read.is_discarded())
        return std::nullopt;
    return json_value(std::make_shared<const content>(content{std::move(read)}));
}

json_value json_value::member(std::string_view key) const
{
    const auto found = content_->value.find(std::string(key)); // the end for what is no object
    return json_value(std::make_shared<const content>(
        content{found == content_->value.end() ? nlohmann::json() : *found}));
}

std::string json_value::text(std::string_view key) const
{
    const auto found = member(key);
    return found.content_->value.is_string() ? found.content_->value.get<std::string>()
                                             : std::string();
}

double json_value::number(std::string_view key) const
{
    const auto found = member(key);
    return found.content_->value.is_number() ? found.content_->value.get<double>() : 0;
}

bool json_value::truth(std::string_view key) const
{
    const auto found = member(key);
    return found.content_->value.is_boolean() && found.content_->value.get<bool>();
}

bool json_value::has(std::string_view key) const
{
    return !member(key).content_->value.is_null();
}

std::vector<json_value> json_value::list(std::string_view key) const
{
    const auto found = member(key);
    std::vector<json_value> values;
    if (found.content_->value.is_array())
        for (const auto& each : found.content_->value)
            values.push_back(json_value(std::make_shared<const content>(content{each})));
    return values;
}

} // namespace slk::tool
