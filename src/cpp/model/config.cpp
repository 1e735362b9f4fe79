#include "config.h"

namespace fastnn {

const Json& member_of(const Json& object, std::string_view key) {
    require_model(object.is(Json::Type::object));
    const Json* const value = object.find(key);
    require_model(value != nullptr);
    return *value;
}

std::int64_t integer_of(const Json& value, std::int64_t least, std::int64_t most) {
    std::int64_t integer = 0;
    require_model(value.read(integer) && integer >= least && integer <= most);
    return integer;
}

const Json* Config::take(std::string_view key) {
    const Json* const value = object_.find(key);
    if (value == nullptr) return nullptr;
    ++taken_;
    return value->is(Json::Type::null) ? nullptr : value;
}

double Config::real(std::string_view key, double otherwise, double least, double most) {
    const Json* const value = take(key);
    if (value == nullptr) return otherwise;
    require_model(value->is_number() && value->number >= least && value->number <= most);
    return value->number;
}

bool Config::flag(std::string_view key, bool otherwise) {
    const Json* const value = take(key);
    if (value == nullptr) return otherwise;
    require_model(value->is(Json::Type::boolean));
    return value->number != 0.0;
}

Described described(const Json& value) {
    Config both(value);
    const Json* const name = both.take("class_name");
    const Json* const config = both.take("config");
    both.end();
    require_model(name != nullptr && name->is(Json::Type::string) && config != nullptr);
    return {name->text, config};
}

Json describe(std::string_view name, Json config) {
    Json result = Json::object();
    result.set("class_name", Json::string(std::string(name)));
    result.set("config", std::move(config));
    return result;
}

}  // namespace fastnn
