/** Spanish words that every page shares. */
import type { words as en } from "../en/common.ts";

export const words: typeof en = {
  skip: "Saltar al contenido principal",
  navigation: "Principal",
  language: "Idioma",
  languages: { en: "English", es: "Español" },
  pages: {
    verify: "Verificar",
    search: "Buscar",
    status: "Estado",
    notarize: "Notarizar",
    vault: "Custodia",
    admin: "Administración",
  },
  signedInAs: "Sesión de",
  signIn: {
    heading: "Primero inicie sesión",
    with: (label) => `Iniciar sesión con ${label}`,
    local: "En la propia máquina del notario: abra el enlace que muestra la orden al iniciar el notario.",
  },
  signOut: "Cerrar sesión",
  signOutFailed: "No se pudo cerrar la sesión. Inténtelo de nuevo.",
  underWay: {
    count: (files: number): string =>
      files === 1 ? "Queda 1 archivo por certificar" : `Quedan ${files} archivos por certificar`,
    goesOn: "Se sigue certificando mientras mira esta página. No cierre esta pestaña hasta que termine.",
  },
  problem: {
    unreachable: "No se puede contactar con el notario.",
    rate: "Fue demasiado a la vez. Espere unos segundos.",
    refused: "El notario no pudo responder a esto.",
    shown: "Lo que ve es del",
  },
  footer: {
    about:
      "Este notario guarda huellas firmadas de archivos en un registro que solo puede crecer. Los archivos mismos quedan con sus dueños.",
    interface: "Interfaz para programas",
    checkpoint: "Último punto de control del registro",
  },
};
