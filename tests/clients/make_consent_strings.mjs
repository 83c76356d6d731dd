// Generates consent strings with the IAB's own libraries, each with what it says, one JSON object a line.
// node make_consent_strings.mjs COUNT SEED
import { PurposeRestriction, Segment, SegmentEncoder, TCModel, TCString } from "@iabtechlabtcf/core";
import { GppModel, Sections } from "@iabgpp/cmpapi";

const [count, seed] = process.argv.slice(2).map(Number);

let state = seed;
function random() {
  // Mulberry32: small, and the same everywhere.
  state = (state + 0x6d2b79f5) | 0;
  let t = Math.imul(state ^ (state >>> 15), 1 | state);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
}
const below = (n) => Math.floor(random() * n);
const chance = (p) => random() < p;
const some = (most, p) => Array.from({ length: most }, (_, i) => i + 1).filter(() => chance(p));

// The encoder of restrictions joins vendors to ranges by a list of all that there are.
const EVERY_VENDOR = { vendorIds: new Set(Array.from({ length: 1000 }, (_, i) => i + 1)) };

function vendors() {
  const kind = below(4);
  if (kind === 0) return [];
  if (kind === 1) return some(60, 0.5);
  if (kind === 2) {
    const start = 1 + below(1200);
    return Array.from({ length: 1 + below(200) }, (_, i) => start + i);
  }
  const highest = chance(0.02) ? 65535 : 1500;
  return [...new Set(Array.from({ length: 1 + below(12) }, () => 1 + below(highest)))].sort((a, b) => a - b);
}

function tcf() {
  const model = new TCModel();
  model.created = model.lastUpdated = new Date(1600000000000 + below(2000000) * 86400000 / 100);
  model.cmpId = 2 + below(400);
  model.cmpVersion = 1 + below(50);
  model.consentScreen = below(63);
  model.consentLanguage = ["EN", "DE", "FR", "PL"][below(4)];
  model.vendorListVersion = 1 + below(300);
  model.policyVersion = chance(0.5) ? 4 : 5;
  model.isServiceSpecific = chance(0.7);
  model.useNonStandardTexts = chance(0.1);
  model.purposeOneTreatment = chance(0.1);
  model.publisherCountryCode = ["AA", "DE", "FR"][below(3)];
  model.specialFeatureOptins.set(some(2, 0.5));
  model.purposeConsents.set(some(11, 0.6));
  model.purposeLegitimateInterests.set(some(11, 0.4));
  model.vendorConsents.set(vendors());
  model.vendorLegitimateInterests.set(vendors());
  model.vendorsDisclosed.set(vendors());
  if (chance(0.5)) model.publisherConsents.set(some(11, 0.5));
  model.publisherRestrictions.gvl_ = EVERY_VENDOR;
  for (let i = below(4); i > 0; i--) {
    const restriction = new PurposeRestriction(1 + below(11), below(3));
    for (let j = 1 + below(4); j > 0; j--) model.publisherRestrictions.add(1 + below(900), restriction);
  }
  const segments = chance(0.5) ? [Segment.CORE] : [Segment.CORE, Segment.VENDORS_DISCLOSED, Segment.PUBLISHER_TC];
  const text = segments.map((one) => SegmentEncoder.encode(model, one)).join(".");
  const said = TCString.decode(text);
  const list = (vector) => { const found = []; vector.forEach((value, id) => { if (value) found.push(id); }); return found; };
  const restrictions = {};
  for (const one of said.publisherRestrictions.getRestrictions())
    restrictions[`${one.purposeId}:${one.restrictionType}`] = said.publisherRestrictions.getVendors(one);
  return {
    kind: "tcf", text,
    said: {
      updated: said.lastUpdated.getTime(), cmp_id: said.cmpId, cmp_version: said.cmpVersion, screen: Number(said.consentScreen),
      language: said.consentLanguage, vendor_list: said.vendorListVersion, policy: Number(said.policyVersion),
      is_service_specific: said.isServiceSpecific, has_custom_texts: said.useNonStandardTexts,
      purpose_one_treatment: said.purposeOneTreatment, country: said.publisherCountryCode,
      special_features: list(said.specialFeatureOptins), purposes: list(said.purposeConsents),
      legitimate_interests: list(said.purposeLegitimateInterests), vendors: list(said.vendorConsents),
      vendor_interests: list(said.vendorLegitimateInterests), restrictions,
      disclosed: segments.length > 1 ? list(said.vendorsDisclosed) : null,
    },
  };
}

const AMERICAN = [...Sections.SECTION_ID_NAME_MAP].filter(([id]) => id >= 7);

function value(name, now) {
  if (Array.isArray(now)) return now.map(() => below(3));
  if (typeof now === "boolean") return chance(0.5);
  if (/^MspaCovered/.test(name)) return 1 + below(2);
  return below(3);
}

function gpp() {
  const model = new GppModel();
  const chosen = AMERICAN.filter(() => chance(0.15)).map(([, name]) => name);
  if (chosen.length === 0) chosen.push(AMERICAN[below(AMERICAN.length)][1]);
  for (const name of chosen) {
    if (name === "usnat" && chance(0.4)) model.setFieldValue(name, "Version", 1);
    for (const [field, now] of Object.entries(fieldsOf(name))) model.setFieldValue(name, field, value(field, now));
  }
  if (chance(0.3)) model.setFieldValue("uspv1", "OptOutSale", "YN-"[below(3)]);
  if (chance(0.3)) {
    model.setFieldValue("tcfcav1", "PurposesExpressConsent", Array.from({ length: 24 }, () => chance(0.5)));
    model.setFieldValue("tcfcav1", "PurposesImpliedConsent", Array.from({ length: 24 }, () => chance(0.3)));
    model.setFieldValue("tcfcav1", "SpecialFeatureExpressConsent", Array.from({ length: 12 }, () => chance(0.5)));
    model.setFieldValue("tcfcav1", "VendorExpressConsent", vendors());
    model.setFieldValue("tcfcav1", "VendorImpliedConsent", vendors());
  }
  if (chance(0.3)) {
    model.setFieldValue("tcfeuv2", "PurposeConsents", Array.from({ length: 24 }, () => chance(0.5)));
    model.setFieldValue("tcfeuv2", "VendorConsents", vendors());
  }
  const text = model.encode();
  const said = new GppModel(text);
  return { kind: "gpp", text, ids: said.getSectionIds(), said: said.toObject() };
}

const known = {};

function fieldsOf(name) {
  if (!known[name]) {
    const model = new GppModel();
    model.setFieldValue(name, "SaleOptOut", 1);
    const { Version, MspaVersion, GpcSegmentType, ...fields } = model.getSection(name);
    known[name] = fields;
  }
  return known[name];
}

for (let i = 0; i < count; i++) console.log(JSON.stringify(i % 2 ? gpp() : tcf()));
