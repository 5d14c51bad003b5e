// SPDX-License-Identifier: Apache-2.0
/** The world, coarsely: where there is land, on a grid of 100 columns of 3.6 degrees from 78° north down to 56° south, and
 * about where countries are. Made from Natural Earth's maps, which are in the public domain. */
const COLUMNS = 100;
const DEGREES = 360 / COLUMNS;
const TOP = 78;

/** A row each, four columns a digit. */
const LAND = [
  '0000b281fff00000180780000', '0001fb781ff0000004fffc400', '0fffb4a60fe001f015fffffff', '5fffffc61e0c0777fffffffff',
  '0fffff0c0c001efffffffffee', '020fff0f8000867fffffff820', '0803ffefc00049ffffffff060', '0001ffffc0005fffffffffc00',
  '0001fffd00007fffffffffc00', '0000fffe000037c6ffffff400', '0001fff80000cbbf7fffec000', '0000fff80000b81ffffff4800',
  '00007ff00000f80ffffff2000', '00001f000001fffefffff0000', '00000e100003ffff3fffe0000', '000006100007fff7e7efc0000',
  '000007c20007fff7c38e80000', '000000e00007fffb010710000', '000000200003fffc010500000', '0000001fc003ffff008008000',
  '0000000ff0000ffe000220000', '0000000ff00007fc0002fc000', '0000000ffe0007f8000240800', '0000000fff0007f8000100e00',
  '0000000fff0003f8000018100', '00000007fe0007f9000003400', '00000003fe0007fb00000fe00', '00000001fe0003f200003fe00',
  '00000003f80003f200003ff00', '00000003f00003e000003ff80', '00000003f00001c000003df00', '00000003c0000000000000f00',
  '0000000380000000000000002', '0000000700000000000000200', '0000000600000000000000008', '0000000600000000000000000',
  '0000000600000000000000000',
];

/** Country, degrees east, degrees north. */
const PLACES = `
AD2,43 AE54,24 AF66,34 AG-62,17 AI-63,18 AL20,41 AM45,40 AO18,-12 AQ83,-85 AR-65,-35 AS-171,-14 AT14,48 AU134,-26 AW-70,13 AX20,60 AZ48,40 BA18,44
BB-60,13 BD90,24 BE5,51 BG25,43 BH51,26 BI30,-3 BL-63,18 BM-65,32 BN115,4 BO-65,-17 BR-53,-11 BS-78,25 BT90,27 BW24,-22 BY28,54 BZ-89,17 CA-99,59
CD24,-3 CF20,7 CG15,-1 CH8,47 CI-6,8 CK-160,-21 CL-71,-34 CM13,6 CN103,37 CO-73,4 CR-84,10 CU-79,22 CV-24,15 CW-69,12 CY33,35 CZ15,50 DE10,51 DJ43,12
DK9,56 DM-61,15 DO-71,19 DY2,10 DZ3,28 EC-78,-1 EE26,59 EG30,26 EH-12,24 ER39,15 ES-4,40 ET40,9 FI26,64 FJ178,-18 FK-59,-52 FM158,7 FO-7,62 FX2,47
GA12,-1 GD-62,12 GE44,42 GG-3,49 GH-1,8 GL-42,73 GM-15,13 GN-11,10 GQ10,2 GR23,39 GT-90,16 GU145,13 GW-15,12 GY-59,5 HK114,22 HM74,-53 HN-87,15
HR16,45 HT-73,19 HU19,47 HV-2,12 ID114,0 IE-8,53 IL35,31 IM-5,54 IN80,23 IO72,-7 IQ44,33 IR54,33 IS-19,65 IT12,43 JE-2,49 JM-77,18 JO37,31 JP138,37
KE38,1 KG75,41 KH105,13 KI-157,2 KM43,-12 KN-63,17 KP127,40 KR128,36 KW48,29 KY-81,19 KZ67,48 LA104,18 LB36,34 LC-61,14 LI10,47 LK81,8 LR-9,6 LS28,-30
LT24,55 LU6,50 LV25,57 LY18,27 MA-9,30 MC7,44 MD28,47 ME19,43 MF-63,18 MG47,-19 MH171,7 MK22,42 ML-4,17 MM96,21 MN103,47 MO114,22 MP146,15 MR-10,20
MS-62,17 MT14,36 MU58,-20 MV74,4 MW34,-13 MX-102,24 MY115,4 MZ36,-17 NA17,-22 NC165,-21 NE9,17 NF168,-29 NG8,10 NI-85,13 NL6,52 NO12,64 NP84,28
NR167,-1 NU-170,-19 NZ171,-44 OM56,21 PA-80,9 PE-74,-9 PF-149,-18 PG144,-7 PH121,16 PK69,30 PL19,52 PM-56,47 PN-128,-24 PR-66,18 PS35,32 PT-8,40
PW135,8 PY-58,-23 QA51,25 RO25,46 RW30,-2 SA45,24 SB160,-10 SC55,-5 SD30,16 SE16,62 SG104,1 SH-6,-16 SI15,46 SK19,49 SL-12,9 SM12,44 SN-14,14 SO46,5
SR-56,4 SS30,7 ST7,0 SU96,66 SV-89,14 SX-63,18 SY38,35 SZ31,-27 TC-72,22 TD19,15 TF69,-49 TG1,9 TH101,15 TJ71,39 TL126,-9 TM59,39 TN10,34 TO-175,-21
TR35,39 TT-61,10 TW121,24 TZ35,-6 UA31,49 UG32,1 UK-2,54 US-99,40 UY-56,-33 UZ63,42 VA12,42 VC-61,13 VE-66,7 VG-65,18 VI-65,18 VN106,17 VU167,-15
WF-178,-14 WS-172,-14 XK21,43 YE48,16 YU21,44 ZA25,-29 ZM28,-13 ZW30,-19`;

export const WORLD = { width: COLUMNS, height: LAND.length };

/** The land as a path of dots, drawn with round ends. */
export const landPath = (): string => LAND.flatMap((row, y) => [...row].flatMap((digit, i) =>
  [8, 4, 2, 1].flatMap((bit, k) => (parseInt(digit, 16) & bit ? [`M${i * 4 + k + 0.5} ${y + 0.5}h0`] : [])))).join('');

let places: Map<string, [number, number]> | null = null;

/** Where a country is on that grid; null for one that is not known. */
export function placeOf(code: string): [number, number] | null {
  places ??= new Map(PLACES.trim().split(/\s+/).map((word) => {
    const [east, north] = word.slice(2).split(',').map(Number) as [number, number];
    return [word.slice(0, 2), [(east + 180) / DEGREES, (TOP - north) / DEGREES]];
  }));
  return places.get(code) ?? null;
}

const names = new Intl.DisplayNames('en', { type: 'region' });

/** "Sweden", of "SE". */
export function countryName(code: string): string {
  try {
    return names.of(code) ?? code;
  } catch {
    return code;
  }
}
