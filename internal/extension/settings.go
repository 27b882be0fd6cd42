package extension

import (
	spillwayv1alpha1 "github.com/spillway-lb/spillway/api/spillway/v1alpha1"
	"github.com/spillway-lb/spillway/internal/configuration"
	"github.com/spillway-lb/spillway/internal/gateway"
	"github.com/spillway-lb/spillway/internal/recompute"
)

// settings are what Configurations say of extensions: what one of them turns on is on.
func settings(v *recompute.View) spillwayv1alpha1.ExtensionSettings {
	var out spillwayv1alpha1.ExtensionSettings
	for _, s := range configuration.Extensions(v) {
		out.Merge = out.Merge || s.Merge
		out.WasmEverywhere = out.WasmEverywhere || s.WasmEverywhere
	}
	return out
}

// allowed is a class with what Configurations allow beyond Google's.
func allowed(v *recompute.View, class gateway.Class) gateway.Class {
	if settings(v).WasmEverywhere {
		class.Extends.Wasm = class.Extends.Traffic
	}
	return class
}
