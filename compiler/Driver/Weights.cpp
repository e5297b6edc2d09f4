//===- Weights.cpp - what a compilation writes beside code --------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "compiler/Driver/Weights.h"
#include "dialects/QT/WeightReader.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/Support/JSON.h"

using namespace mlir;

namespace sinter {
namespace {

/// Bytes of one part: enough to be worth a thread, few enough that what a thread holds stays small.
constexpr int64_t kPartBytes = 1 << 20;

void addPanels(WeightWriter &writer, const plan::PlacedWeight &weight, std::shared_ptr<qt::WeightReader> reader) {
  kern::PanelLayout layout(weight.panel, reader->getType());
  int64_t each = std::max<int64_t>(1, kPartBytes / std::max<int64_t>(1, layout.panelBytes));
  for (int64_t first = 0; first < layout.panels; first += each) {
    int64_t last = std::min(layout.panels, first + each);
    writer.parts.push_back({weight.offset + uint64_t(first * layout.panelBytes), uint64_t((last - first) * layout.panelBytes),
                            [reader, layout, first, last](llvm::MutableArrayRef<char> out) {
                              qt::Rows rows;
                              for (int64_t panel = first; panel < last; ++panel) {
                                reader->read(panel * layout.channels, std::min(layout.rows, (panel + 1) * layout.channels), rows);
                                kern::packPanel(layout, rows, out.data() + (panel - first) * layout.panelBytes);
                              }
                              return llvm::Error::success();
                            }});
  }
}

std::string text(Type type) {
  std::string out;
  llvm::raw_string_ostream(out) << type;
  return out;
}

} // namespace

llvm::Expected<WeightWriter> weightWriter(const std::vector<plan::PlacedWeight> &weights) {
  WeightWriter writer;
  for (const plan::PlacedWeight &weight : weights) {
    writer.bytes = std::max(writer.bytes, weight.offset + weight.bytes);
    if (auto constant = dyn_cast<qt::ConstantOp>(weight.constant)) {
      auto reader = qt::WeightReader::open(constant);
      if (failed(reader))
        return llvm::createStringError("cannot read a weight");
      addPanels(writer, weight, std::make_shared<qt::WeightReader>(std::move(*reader)));
    } else if (auto initializer = dyn_cast<onnx::InitializerOp>(weight.constant)) {
      auto *dialect = initializer->getContext()->getLoadedDialect<onnx::OnnxDialect>();
      auto bytes = dialect->read(initializer.getData());
      if (!bytes)
        return bytes.takeError();
      if (bytes->size() < weight.bytes)
        return llvm::createStringError("a constant tensor is stored in another form than its type");
      writer.parts.push_back({weight.offset, weight.bytes, [data = bytes->take_front(weight.bytes)](llvm::MutableArrayRef<char> out) {
                                llvm::copy(data, out.begin());
                                return llvm::Error::success();
                              }});
    } else {
      auto dense = cast<DenseElementsAttr>(cast<onnx::ConstantOp>(weight.constant).getValue());
      // Bools are a byte each in memory, bits in the attribute.
      std::vector<char> data;
      if (dense.getElementType().isInteger(1))
        for (bool bit : dense.getValues<bool>())
          data.push_back(bit);
      else if (dense.isSplat())
        for (int64_t i = 0; i < dense.getNumElements(); ++i)
          llvm::append_range(data, dense.getRawData());
      else
        llvm::append_range(data, dense.getRawData());
      writer.parts.push_back({weight.offset, weight.bytes, [data](llvm::MutableArrayRef<char> out) {
                                llvm::copy(data, out.begin());
                                return llvm::Error::success();
                              }});
    }
  }
  return writer;
}

std::string describeWeights(const std::vector<plan::PlacedWeight> &weights) {
  std::map<std::string, int64_t> counts;
  for (const plan::PlacedWeight &weight : weights)
    if (auto constant = dyn_cast<qt::ConstantOp>(weight.constant)) {
      qt::Fields fields = constant.getType().getFields();
      std::string name;
      if (fields.isFloat())
        name = text(fields.value);
      else
        name = "int" + std::to_string(fields.bits) + (constant.getType().getGroups() > 1 ? " group " + std::to_string(fields.group) : " per channel");
      ++counts[name];
    }
  std::string out;
  for (const auto &[name, count] : counts)
    out += (out.empty() ? "" : ", ") + name + ": " + std::to_string(count);
  return out;
}

int64_t countParameters(const std::vector<plan::PlacedWeight> &weights) {
  int64_t parameters = 0;
  for (const plan::PlacedWeight &weight : weights) {
    if (auto constant = dyn_cast<qt::ConstantOp>(weight.constant))
      parameters += constant.getType().getRows() * constant.getType().getColumns();
    else
      parameters += cast<RankedTensorType>(weight.constant->getResult(0).getType()).getNumElements();
  }
  return parameters;
}

void writeHeader(plan::Program &program, const CompileOptions &options, llvm::raw_ostream &os) {
  os << "/* Made by sinter from " << options.model << ". */\n#pragma once\n\n";
  os << "#define SINTER_MODEL_ARENA_BYTES " << program.writer.header.arenaBytes << "ull\n";
  os << "#define SINTER_MODEL_WEIGHT_BYTES " << program.writer.header.weightBytes << "ull\n";
  os << "#define SINTER_MODEL_INPUTS " << program.writer.inputs.size() << "\n";
  os << "#define SINTER_MODEL_OUTPUTS " << program.writer.outputs.size() << "\n";
  os << "#define SINTER_MODEL_STATES " << program.writer.states.size() << "\n";
}

void describeModel(ModuleOp module, bool json, llvm::raw_ostream &os) {
  auto func = module.lookupSymbol<func::FuncOp>("main");
  std::map<std::string, int64_t> operators;
  int64_t parameters = 0, bytes = 0;
  module.walk([&](Operation *op) {
    if (auto node = dyn_cast<onnx::NodeOp>(op))
      ++operators[(node.getDomain() + (node.getDomain().empty() ? "" : ".") + node.getOpType()).str()];
    else if (auto initializer = dyn_cast<onnx::InitializerOp>(op)) {
      parameters += cast<RankedTensorType>(initializer.getResult().getType()).getNumElements();
      bytes += initializer.getData().getSize();
    }
  });
  auto dims = [](DictionaryAttr attributes) {
    llvm::json::Array out;
    if (auto list = attributes ? attributes.getAs<ArrayAttr>("onnx.dims") : ArrayAttr())
      for (Attribute dim : list) {
        if (auto fixed = dyn_cast<IntegerAttr>(dim))
          out.push_back(fixed.getInt());
        else
          out.push_back(cast<StringAttr>(dim).getValue());
      }
    return out;
  };
  auto name = [](DictionaryAttr attributes) {
    auto n = attributes ? attributes.getAs<StringAttr>("onnx.name") : StringAttr();
    return n ? n.getValue() : StringRef("");
  };
  llvm::json::Array inputs, outputs;
  for (unsigned i = 0; i < func.getNumArguments(); ++i)
    inputs.push_back(llvm::json::Object{{"name", name(func.getArgAttrDict(i))},
                                        {"type", text(cast<ShapedType>(func.getArgument(i).getType()).getElementType())},
                                        {"dims", dims(func.getArgAttrDict(i))}});
  for (unsigned i = 0; i < func.getNumResults(); ++i)
    outputs.push_back(llvm::json::Object{{"name", name(func.getResultAttrDict(i))}, {"dims", dims(func.getResultAttrDict(i))}});
  llvm::json::Object histogram;
  for (const auto &[op, count] : operators)
    histogram[op] = count;
  if (json) {
    os << llvm::formatv("{0:2}", llvm::json::Value(llvm::json::Object{{"inputs", std::move(inputs)},
                                                                         {"outputs", std::move(outputs)},
                                                                         {"parameters", parameters},
                                                                         {"weight_bytes", bytes},
                                                                         {"operators", std::move(histogram)}}))
       << "\n";
    return;
  }
  auto list = [&](llvm::StringRef title, const llvm::json::Array &tensors) {
    os << title << "\n";
    for (const auto &tensor : tensors) {
      const auto *object = tensor.getAsObject();
      os << "  " << object->getString("name").value_or("") << " [";
      llvm::ListSeparator comma;
      for (const auto &dim : *object->getArray("dims")) {
        os << comma;
        if (auto s = dim.getAsString())
          os << (s->empty() ? "?" : *s);
        else
          os << *dim.getAsInteger();
      }
      os << "]";
      if (auto type = object->getString("type"))
        os << " " << *type;
      os << "\n";
    }
  };
  list("inputs", inputs);
  list("outputs", outputs);
  os << "parameters  " << parameters << " (" << bytes << " bytes)\noperators\n";
  for (const auto &[op, count] : operators)
    os << "  " << op << " " << count << "\n";
}

} // namespace sinter
