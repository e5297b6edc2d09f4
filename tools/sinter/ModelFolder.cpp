//===- ModelFolder.cpp - what lies beside a model -----------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "tools/sinter/ModelFolder.h"
#include "tools/sinter/Tokenizer/Kinds.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"

#include <algorithm>

using namespace llvm;
using namespace sinter;

static std::optional<std::string> readFile(const Twine &path) {
  ErrorOr<std::unique_ptr<MemoryBuffer>> buffer = MemoryBuffer::getFile(path);
  if (!buffer)
    return std::nullopt;
  return (*buffer)->getBuffer().str();
}

/// Takes a number or a list of numbers.
static void addIds(const json::Value *value, std::vector<int64_t> &ids) {
  auto add = [&](const json::Value &item) {
    std::optional<int64_t> id = item.getAsInteger();
    if (id && *id >= 0 && !is_contained(ids, *id))
      ids.push_back(*id);
  };
  if (!value)
    return;
  if (const json::Array *list = value->getAsArray())
    for_each(*list, add);
  else
    add(*value);
}

/// An object in a JSON file, where it can be read.
static std::optional<json::Value> readConfiguration(StringRef folder, StringRef name) {
  std::optional<std::string> text = readFile(folder + "/" + name);
  Expected<json::Value> value = text ? parseJson(*text) : createStringError("no file");
  if (value && value->getAsObject())
    return std::move(*value);
  if (!value)
    consumeError(value.takeError());
  return std::nullopt;
}

/// The end tokens that the model's configuration names, from the file that knows best.
static std::vector<int64_t> findEndTokens(StringRef folder, const Tokenizer *tokenizer) {
  std::vector<int64_t> ids;
  for (StringRef name : {"generation_config.json", "genai_config.json", "config.json"}) {
    std::optional<json::Value> value = readConfiguration(folder, name);
    const json::Object *object = value ? value->getAsObject() : nullptr;
    if (object && name == "genai_config.json")
      object = object->getObject("model");
    if (object)
      addIds(object->get("eos_token_id"), ids);
    if (!ids.empty())
      return ids;
  }
  std::optional<json::Value> value = readConfiguration(folder, "tokenizer_config.json");
  const json::Value *token = value ? value->getAsObject()->get("eos_token") : nullptr;
  if (token && token->getAsObject())
    token = token->getAsObject()->get("content");
  if (token && token->getAsString() && tokenizer)
    if (std::optional<int64_t> id = tokenizer->find(*token->getAsString()))
      ids.push_back(*id);
  if (ids.empty() && tokenizer)
    ids = tokenizer->endTokens();
  return ids;
}

/// Files in a folder that may be a tokenizer, the likeliest first.
static std::vector<std::string> candidates(StringRef folder) {
  std::vector<std::string> paths;
  for (StringRef name : {"tokenizer.json", "tokenizer.bin"})
    if (std::string path = (folder + "/" + name).str(); sys::fs::is_regular_file(path))
      paths.push_back(path);
  std::vector<std::string> others;
  std::error_code code;
  for (sys::fs::directory_iterator it(folder, code), end; !code && it != end; it.increment(code)) {
    StringRef name = sys::path::filename(it->path());
    if (name.starts_with("tok") && name.ends_with(".bin") && name != "tokenizer.bin")
      others.push_back(it->path());
  }
  llvm::sort(others);
  paths.insert(paths.end(), others.begin(), others.end());
  return paths;
}

/// Where files that go with a model may lie.
static std::vector<std::string> foldersOf(StringRef modelPath) {
  SmallString<128> folder(sys::path::parent_path(modelPath));
  if (folder.empty())
    folder = ".";
  std::vector<std::string> folders = {folder.str().str()};
  if (sys::path::filename(folder) == "onnx") {
    StringRef above = sys::path::parent_path(folder);
    folders.push_back(above.empty() ? "." : above.str());
  }
  return folders;
}

std::optional<int64_t> sinter::findContextLength(StringRef modelPath) {
  for (const std::string &folder : foldersOf(modelPath)) {
    auto length = [&](StringRef file, StringRef object, StringRef key) -> std::optional<int64_t> {
      std::optional<json::Value> value = readConfiguration(folder, file);
      const json::Object *from = value ? value->getAsObject() : nullptr;
      if (from && !object.empty())
        from = from->getObject(object);
      std::optional<int64_t> found = from ? from->getInteger(key) : std::nullopt;
      return found && *found > 0 ? found : std::nullopt;
    };
    if (auto found = length("genai_config.json", "model", "context_length"))
      return found;
    for (StringRef key : {"max_position_embeddings", "n_positions"})
      if (auto found = length("config.json", "", key))
        return found;
  }
  return std::nullopt;
}

FoundTokenizer sinter::findTokenizer(StringRef modelPath) {
  std::vector<std::string> folders = foldersOf(modelPath);
  FoundTokenizer found;
  for (const std::string &place : folders)
    for (const std::string &path : candidates(place)) {
      Expected<FoundTokenizer> one = readTokenizer(path);
      if (one) {
        std::string note = std::move(found.note);
        found = std::move(*one);
        found.note = std::move(note);
        return found;
      }
      std::string why = toString(one.takeError());
      if (found.note.empty())
        found.note = why;
    }
  for (const std::string &place : folders)
    if (found.eos.empty())
      found.eos = findEndTokens(place, nullptr);
  return found;
}

Expected<FoundTokenizer> sinter::readTokenizer(StringRef path) {
  if (path == "bytes") {
    FoundTokenizer bytes;
    bytes.path = bytes.kind = "bytes";
    return bytes;
  }
  ErrorOr<std::unique_ptr<MemoryBuffer>> buffer = MemoryBuffer::getFile(path);
  if (!buffer)
    return createStringError(buffer.getError(), "cannot read '" + path + "': " + buffer.getError().message());
  FoundTokenizer found;
  found.path = path.str();
  found.bytes = (*buffer)->getBuffer().str();
  found.kind = path.ends_with(".json") ? "hf" : "llama2c";
  Expected<std::unique_ptr<Tokenizer>> tokenizer = Tokenizer::load(found.bytes, found.kind);
  if (!tokenizer)
    return createStringError("'" + path + "': " + toString(tokenizer.takeError()));
  StringRef folder = sys::path::parent_path(path);
  found.eos = findEndTokens(folder.empty() ? "." : folder, tokenizer->get());
  return found;
}
