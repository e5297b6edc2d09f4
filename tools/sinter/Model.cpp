//===- Model.cpp - compiled models and their sessions -------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "tools/sinter/Model.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"

using namespace llvm;
using namespace sinter;
using namespace sinter::tools;

Expected<Model> Model::open(const std::string &path) {
  char why[SINTER_MESSAGE_BYTES] = "";
  sinter_model *opened = nullptr;
  if (sinter_open(path.c_str(), nullptr, &opened, why))
    return createStringError(StringRef(why).contains(path) ? why : "'" + path + "': " + why);
  Model model;
  model.handle.reset(opened);
  return model;
}

const program::Header &Model::program() const {
  auto *table = static_cast<const sinter_table *>(dlsym(handle->library, "sinter_model_v1"));
  return *static_cast<const program::Header *>(table->program);
}

std::optional<StringRef> Model::meta(StringRef key) const {
  for (const sinter_meta &meta : ArrayRef(info().metas, info().meta_count))
    if (key == meta.key)
      return StringRef(meta.value, meta.bytes);
  return std::nullopt;
}

uint64_t Model::number(StringRef key) const {
  uint64_t value;
  std::optional<StringRef> text = meta(key);
  return text && !text->getAsInteger(10, value) ? value : 0;
}

bool Model::isDecoder() const { return program().sequence != program::kNone && info().capacity > 0; }

uint64_t Model::cacheBytesPerToken() const {
  uint64_t bytes = 0;
  for (const sinter_state_info &state : ArrayRef(info().states, info().state_count))
    bytes += state.bytes_per_token;
  return bytes;
}

std::vector<int64_t> Model::endTokens() const {
  std::vector<int64_t> ids;
  SmallVector<StringRef> parts;
  meta("eos").value_or("").split(parts, ',', -1, /*KeepEmpty=*/false);
  for (StringRef part : parts)
    if (int64_t id; !part.trim().getAsInteger(10, id))
      ids.push_back(id);
  return ids;
}

Expected<Session> Session::create(const Model &model, uint32_t threads, uint32_t chunk) {
  char why[SINTER_MESSAGE_BYTES] = "";
  sinter_session_options options = {};
  options.threads = threads;
  options.chunk = chunk;
  sinter_session *created = nullptr;
  if (sinter_session_create(model.get(), &options, &created, why))
    return createStringError(StringRef(why));
  Session session;
  session.handle.reset(created);
  return session;
}

Error Session::check(int status) const {
  return status ? createStringError(StringRef(sinter_message(handle.get()))) : Error::success();
}

Expected<ArrayRef<float>> Session::forward(ArrayRef<int64_t> tokens) {
  const float *logits = nullptr;
  size_t count = 0;
  if (Error error = check(sinter_forward(handle.get(), tokens.data(), tokens.size(), nullptr, 0, &logits, &count)))
    return error;
  return ArrayRef(logits, count);
}

Expected<std::vector<sinter_tensor>> Session::run(ArrayRef<sinter_tensor> inputs, ArrayRef<const char *> names) {
  std::vector<sinter_tensor> outputs(names.size());
  for (auto [output, name] : zip(outputs, names))
    output.name = name;
  if (Error error = check(sinter_run(handle.get(), inputs.data(), inputs.size(), outputs.data(), outputs.size(), 0)))
    return error;
  return outputs;
}

Error Session::setLength(int64_t length, int64_t filler) {
  int64_t now = sinter_length(get());
  // A session that cannot be cut to this length can be emptied.
  if (now > length && sinter_truncate(get(), length))
    if (Error error = check(sinter_truncate(get(), 0)))
      return error;
  now = sinter_length(get());
  if (now == length)
    return Error::success();
  return forward(std::vector<int64_t>(length - now, filler)).takeError();
}

sinter_tensor tools::view(const char *name, const Array &array) {
  sinter_tensor tensor = {};
  tensor.name = name;
  tensor.dtype = sinter_dtype(array.type);
  tensor.rank = array.shape.size();
  llvm::copy(ArrayRef(array.shape).take_front(SINTER_MAX_RANK), tensor.dims);
  tensor.data = const_cast<char *>(array.data.data());
  tensor.bytes = array.data.size();
  return tensor;
}
